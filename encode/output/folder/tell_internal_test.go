package folder

import "testing"

// TestEndingIsSmall: what a command says takes no memory.
func TestEndingIsSmall(t *testing.T) {
	var e ending
	for range 100 {
		e.Write(make([]byte, 1<<15)) //nolint:errcheck // it cannot fail
	}
	if len(e.text) != maxOutput || cap(e.text) > 1<<17 {
		t.Errorf("%d of %d bytes", len(e.text), cap(e.text))
	}
}

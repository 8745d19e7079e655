package decode

import (
	"testing"
	"unsafe"
)

// TestDecodersAreApart wants the fields of decoders that are made one after the other to share no cache line: two
// goroutines that write them with each record would take it from each other each time.
func TestDecodersAreApart(t *testing.T) {
	const line = 64
	owners := map[uintptr]*Decoder{}
	for range 100 {
		d, err := NewDecoder(DecoderOptions{})
		if err != nil {
			t.Fatal(err)
		}
		begin := uintptr(unsafe.Pointer(&d.options))
		end := uintptr(unsafe.Pointer(&d.passed)) + unsafe.Sizeof(d.passed)
		for at := begin / line; at <= (end-1)/line; at++ {
			if other := owners[at]; other != nil {
				t.Fatalf("decoders at %p and %p share the cache line at %#x", other, d, at*line)
			}
			owners[at] = d
		}
	}
}

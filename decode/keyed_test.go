package decode_test

import (
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestKeyed gives keys to commands that are not known. Their arguments stay whole.
func TestKeyed(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("PkHset", "k", "f")
	w.Command("two", "a", "k2")
	w.Command("two", "a")
	w.Command("other", "x")
	d := newDecoder(t, decode.DecoderOptions{Keyed: map[string]int{"pkhset": 1, "two": 2}})
	var got []string
	for _, c := range changes(t, d, decode.G5, nil, w) {
		got = append(got, string(c.Key))
		if len(c.Args) != len(c.Argv)-1 || c.Op != decode.OpOther {
			t.Errorf("%s: %q", c.Cmd, c.Args)
		}
	}
	if text := strings.Join(got, " "); text != "k k2  " {
		t.Errorf("keys %q", text)
	}
	for name, at := range map[string]int{"set": 1, "pkhset": 0, "": 1} {
		if _, err := decode.NewDecoder(decode.DecoderOptions{Keyed: map[string]int{name: at}}); err == nil {
			t.Errorf("%s=%d is taken", name, at)
		}
	}
}

package folder

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/klauspost/compress/gzip"
)

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestGunzip: several members make one file, and zeros after the last of them are padding. Anything else there is damage.
func TestGunzip(t *testing.T) {
	one, two := zipped(t, "one "), zipped(t, "two")
	for name, c := range map[string]struct {
		packed []byte
		want   string
		err    error
	}{
		"one member":               {packed: one, want: "one "},
		"two members":              {packed: slices.Concat(one, two), want: "one two"},
		"padding":                  {packed: slices.Concat(one, two, make([]byte, 100000)), want: "one two"},
		"a single zero":            {packed: slices.Concat(one, make([]byte, 1)), want: "one "},
		"something else":           {packed: slices.Concat(one, []byte("something else")), want: "one ", err: gzip.ErrHeader},
		"a member after padding":   {packed: slices.Concat(one, make([]byte, 512), two), want: "one ", err: gzip.ErrHeader},
		"half a member":            {packed: slices.Concat(one, two[:len(two)-5]), want: "one two", err: io.ErrUnexpectedEOF},
		"half a header":            {packed: slices.Concat(one, two[:4]), want: "one ", err: io.ErrUnexpectedEOF},
		"a damaged sum, then more": {packed: slices.Concat(spoiled(one), two), want: "one ", err: gzip.ErrChecksum},
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			err := inflate(&got, Gzip, bytes.NewReader(c.packed))
			if got.String() != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %q, %v, want %q, %v", got.String(), err, c.want, c.err)
			}
		})
	}
}

func spoiled(packed []byte) []byte {
	b := slices.Clone(packed)
	b[len(b)-8] ^= 1
	return b
}

package decode_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/iotest"

	"pikabin/decode"
)

// failing is data that ends in an error.
type failing struct{ *bytes.Reader }

func (f failing) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.Reader.ReadAt(b, off)
	if err != nil {
		err = iotest.ErrTimeout
	}
	return n, err
}

// TestFirstNonZero finds a byte at any place around the end of a block, takes what is not there for zeros, and passes on what cannot be read.
func TestFirstNonZero(t *testing.T) {
	data := make([]byte, 2*decode.BlockSize+10)
	for _, at := range []int64{0, 7, decode.BlockSize - 1, decode.BlockSize, decode.BlockSize + 1, int64(len(data)) - 1} {
		data[at] = 1
		for begin, want := range map[int64]int64{0: at, at: at, at + 1: -1} {
			if got, err := decode.FirstNonZero(bytes.NewReader(data), begin, 1<<20); got != want || err != nil {
				t.Errorf("one at %d, from %d: %d, %v", at, begin, got, err)
			}
		}
		if got, err := decode.FirstNonZero(bytes.NewReader(data), 0, at); got != -1 || err != nil {
			t.Errorf("one at %d, before it: %d, %v", at, got, err)
		}
		data[at] = 0
	}
	for _, begin := range []int64{0, 1 << 30} {
		if got, err := decode.FirstNonZero(failing{bytes.NewReader(data)}, begin, 2<<30); got != -1 || !errors.Is(err, iotest.ErrTimeout) {
			t.Errorf("from %d: %d, %v", begin, got, err)
		}
	}
}

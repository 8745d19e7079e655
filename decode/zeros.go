package decode

import (
	"errors"
	"io"
)

// FirstNonZero is the offset of the first byte in [begin, end) that is not zero, -1 if there is none. A server may be writing there:
// bytes that are gone meanwhile count as zeros.
func FirstNonZero(src io.ReaderAt, begin, end int64) (int64, error) {
	buf := make([]byte, max(min(end-begin, BlockSize), 0))
	for at := begin; at < end; {
		n, err := src.ReadAt(buf[:min(int64(len(buf)), end-at)], at)
		if b := buf[:n]; !allZero(b) {
			for b[0] == 0 {
				at, b = at+1, b[1:]
			}
			return at, nil
		}
		switch {
		case errors.Is(err, io.EOF) || err == nil && n == 0:
			return -1, nil
		case err != nil:
			return -1, err
		}
		at += int64(n)
	}
	return -1, nil
}

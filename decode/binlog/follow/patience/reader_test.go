package patience_test

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"
	"testing"

	"pikabin/decode/binlog/follow/patience"
)

// flaky fails some times before it reads.
type flaky struct {
	failures int
	err      error
	closed   bool
}

func (f *flaky) ReadAt(p []byte, _ int64) (int, error) {
	if f.failures--; f.failures >= 0 {
		return 0, &fs.PathError{Op: "read", Path: "write2file0", Err: f.err}
	}
	return copy(p, "bytes"), nil
}

func (f *flaky) Close() error {
	f.closed = true
	return nil
}

// TestReader waits out errors that may pass as long as it is not stopped, and no others.
func TestReader(t *testing.T) {
	stopped := make(chan struct{})
	close(stopped)
	for i, c := range []struct {
		failures int
		err      error
		stop     chan struct{}
		want     error
	}{
		{1, syscall.ESTALE, nil, nil},
		{1, syscall.EIO, stopped, nil},
		{2, syscall.EIO, stopped, syscall.EIO},
		{1, fs.ErrClosed, nil, fs.ErrClosed},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			r := patience.NewReader(&flaky{failures: c.failures, err: c.err}, &patience.Trouble{}, c.stop)
			if n, err := r.ReadAt(make([]byte, 5), 0); !errors.Is(err, c.want) || c.want == nil && n != 5 {
				t.Errorf("%d bytes, %v, want %v", n, err, c.want)
			}
		})
	}
}

// TestReaderOpensAnew reads on through another handle when one is stale for good, however often that happens.
func TestReaderOpensAnew(t *testing.T) {
	const forGood = 1 << 30
	other := errors.New("another file")
	handles := []*flaky{{failures: forGood, err: syscall.ESTALE}, {failures: forGood, err: syscall.ESTALE}, {}}
	for _, missing := range []bool{false, true} {
		opened := 0
		r := patience.NewReader(handles[0], &patience.Trouble{}, nil)
		r.Anew = func() (patience.File, error) {
			if opened++; missing {
				return nil, other
			}
			return handles[opened], nil
		}
		n, err := r.ReadAt(make([]byte, 5), 0)
		if missing != errors.Is(err, other) || !missing && n != 5 {
			t.Errorf("missing %t: %d bytes, %v", missing, n, err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if handles[0].closed || !handles[1].closed || !handles[2].closed {
		t.Error("what was opened anew is to be closed, and nothing else")
	}
}

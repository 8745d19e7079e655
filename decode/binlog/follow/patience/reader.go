package patience

import (
	"errors"
	"io"
	"sync"
	"syscall"
	"time"
)

// Reader reads a file, and waits out errors that may pass.
type Reader struct {
	Trouble *Trouble
	Stop    <-chan struct{} // ends the waiting

	// Anew opens the file once more: a handle of a network file system that is stale stays so. nil: it cannot be opened.
	Anew func() (File, error)

	mu   sync.Mutex
	file io.ReaderAt
	own  io.Closer // what Anew has given, nil before
}

// File is a file that is open.
type File interface {
	io.ReaderAt
	io.Closer
}

// NewReader reads a file that stays that of the caller.
func NewReader(file io.ReaderAt, t *Trouble, stop <-chan struct{}) *Reader {
	return &Reader{Trouble: t, Stop: stop, file: file}
}

// ReadAt reads as the file does. Once the reader is stopped, errors are not waited out any more: there is one last attempt.
func (r *Reader) ReadAt(b []byte, off int64) (int, error) {
	n, err := r.attempt(b, off)
	if err == nil || !Passing(err) {
		return n, err
	}
	for wait, stopped := firstRetry, false; ; wait = min(2*wait, lastRetry) {
		r.Trouble.Meet(err, time.Now())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.Stop:
			timer.Stop()
			stopped = true
		}
		if n, err = r.attempt(b, off); err == nil || !Passing(err) {
			r.Trouble.Over()
			return n, err
		}
		if stopped {
			return n, err
		}
	}
}

// attempt reads once, through another handle if this one is stale.
func (r *Reader) attempt(b []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n, err := r.file.ReadAt(b, off)
	if !errors.Is(err, syscall.ESTALE) || r.Anew == nil {
		return n, err
	}
	file, err := r.Anew()
	if err != nil {
		return n, err
	}
	if r.own != nil {
		_ = r.own.Close() // a stale handle may say so once more
	}
	r.file, r.own = file, file
	return r.file.ReadAt(b, off)
}

// Close lets go of what was opened anew.
func (r *Reader) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.own == nil {
		return nil
	}
	return r.own.Close()
}

// Package patience waits out errors of the disk that may pass.
package patience

import (
	"errors"
	"io/fs"
	"os"
	"sync"
	"time"
)

// Waits between two attempts to read what cannot be read at this moment.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// Passing reports whether an error may pass: a network file system that has lost its server, a folder that is being moved, a
// process without free descriptors. All errors of system calls are taken for such.
func Passing(err error) bool {
	var path *fs.PathError
	var call *os.SyscallError
	return !errors.Is(err, fs.ErrClosed) && (errors.As(err, &path) || errors.As(err, &call))
}

// Trouble is an error that is waited out, met by any goroutine. The zero value is none.
type Trouble struct {
	mu    sync.Mutex
	err   error
	since time.Time
	wait  time.Duration
	next  time.Time // of the next attempt
	told  bool
}

// Meet takes an error. It is waited for twice as long as for the one before it.
func (t *Trouble) Meet(err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.since, t.wait = now, firstRetry/2
	}
	t.wait = min(2*t.wait, lastRetry)
	t.err, t.next = err, now.Add(t.wait)
}

// Over says that an attempt went well, and reports whether there was trouble that was told of.
func (t *Trouble) Over() (told bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	told = t.told
	t.err, t.told = nil, false
	return told
}

// Waits reports whether it is too early for another attempt.
func (t *Trouble) Waits(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil && now.Before(t.next)
}

// Hurry ends the wait for the next attempt, and reports whether there is trouble.
func (t *Trouble) Hurry() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next = time.Time{}
	return t.err != nil
}

// Err is what fails, nil if nothing does.
func (t *Trouble) Err() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

// State is what fails, and since when.
func (t *Trouble) State() (err error, since time.Time) { //nolint:revive,staticcheck // the error is what is asked for
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err, t.since
}

// News is an error that was not told of yet.
func (t *Trouble) News() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told || t.err == nil {
		return nil
	}
	t.told = true
	return t.err
}

package follow

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// Waits between two attempts to read what cannot be read at this moment.
const (
	firstRetry = 100 * time.Millisecond
	lastRetry  = 5 * time.Second
)

// passing reports whether an error may pass: a network file system that has lost its server, a folder that is being moved, a
// process without free descriptors. All errors of system calls are taken for such.
func passing(err error) bool {
	var hole decode.Hole
	var path *fs.PathError
	var call *os.SyscallError
	return !errors.As(err, &hole) && !errors.Is(err, fs.ErrClosed) && (errors.As(err, &path) || errors.As(err, &call))
}

// trouble is an error that is waited out. The workers that read chunks meet it, too.
type trouble struct {
	mu    sync.Mutex
	err   error
	since time.Time
	wait  time.Duration
	next  time.Time // of the next attempt
	told  bool
}

// meet takes an error. It is waited for twice as long as for the one before it.
func (t *trouble) meet(err error, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.err == nil {
		t.since, t.wait = now, firstRetry/2
	}
	t.wait = min(2*t.wait, lastRetry)
	t.err, t.next = err, now.Add(t.wait)
}

// over says that an attempt went well, and reports whether there was trouble that was told of.
func (t *trouble) over() (told bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	told = t.told
	t.err, t.told = nil, false
	return told
}

// waits reports whether it is too early for another attempt.
func (t *trouble) waits(now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err != nil && now.Before(t.next)
}

func (t *trouble) get() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err
}

func (t *trouble) state() (err error, since time.Time) { //nolint:revive,staticcheck // the error is what is asked for
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.err, t.since
}

// news is an error that was not told of yet.
func (t *trouble) news() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.told || t.err == nil {
		return nil
	}
	t.told = true
	return t.err
}

// suffer takes an error of a follower that may pass. A handle of a network file system that is stale stays so: the files are
// to be opened anew.
func (f *follower) suffer(err error) error {
	if !passing(err) {
		return err
	}
	f.trouble.meet(err, f.now())
	f.tell()
	if errors.Is(err, syscall.ESTALE) {
		f.stale = true
		return f.manifest.close()
	}
	return nil
}

// tell says once that there is trouble, wherever it was met.
func (f *follower) tell() {
	if err := f.trouble.news(); err != nil {
		f.note(binlog.Note{Kind: binlog.NoteTrouble, Log: f.log.ID(), Path: f.dir.Path, Text: "cannot be read now, trying again: " + err.Error()})
	}
}

// relieved says that the trouble is over.
func (f *follower) relieved() {
	if f.trouble.over() {
		f.note(binlog.Note{Kind: binlog.NoteTrouble, Log: f.log.ID(), Path: f.dir.Path, Text: "can be read again"})
	}
}

// patient reads a segment for the workers, and waits out errors that may pass.
type patient struct {
	io.ReaderAt
	trouble *trouble
	stop    <-chan struct{}
}

// ReadAt reads as the segment does. Once the tail is stopped errors are not waited out any more.
func (p *patient) ReadAt(b []byte, off int64) (int, error) {
	n, err := p.ReaderAt.ReadAt(b, off)
	if err == nil || !passing(err) {
		return n, err
	}
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		p.trouble.meet(err, time.Now())
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-p.stop:
			timer.Stop()
			return n, err
		}
		if n, err = p.ReaderAt.ReadAt(b, off); err == nil || !passing(err) {
			p.trouble.over()
			return n, err
		}
	}
}

package disk

import (
	"cmp"
	"errors"
	"sync"

	"pikabin/encode/sink"
)

// Writes are the batches that an output has written and that are not durable yet. It is what all sinks have in common that a later
// run can continue: batches are released once they are written, and done once they are flushed. Its lock is for the
// owner's fields, too.
type Writes struct {
	sync.Mutex
	waiting []func(error) // done of each batch, in their order
	err     error         // of a write: what is at the end is no whole batch; or of a sync: what there is is not durable
	full    error         // of a write that was taken out again: no batch may come after it, and what is before it is whole
}

// errClosed is what becomes of batches that nobody has flushed.
var errClosed = errors.New("closed before it was durable")

// Add writes a batch by write. If there was no room for it up to the end of the run, rewind takes out what is there of it.
func (w *Writes) Add(b *sink.Batch, done func(error), write, rewind func() error) {
	w.Lock()
	err := cmp.Or(w.err, w.full)
	if err == nil {
		err = w.add(done, write, rewind)
	}
	w.Unlock()
	b.Release()
	if err != nil {
		done(err)
	}
}

func (w *Writes) add(done func(error), write, rewind func() error) error {
	err := write()
	switch {
	case err == nil:
		w.waiting = append(w.waiting, done)
	case sink.EndedFull(err) && rewind() == nil: // the output ends in a whole batch again
		w.full = err
	default:
		w.err = err
	}
	return err
}

// Flush makes durable what was added. end, which has the lock, ends the output in what can be read by itself and gives what syncs it. Batches
// that are added while sync runs wait for the next Flush.
func (w *Writes) Flush(end func() (sync func() error, err error)) error {
	w.Lock()
	err := w.err
	var sync func() error
	if err == nil {
		sync, err = end()
	}
	waiting := w.waiting
	w.waiting = nil
	w.Unlock()
	if err == nil {
		err = sync()
	}
	w.Lock()
	w.err = cmp.Or(w.err, err)
	w.Unlock()
	for _, done := range waiting {
		done(err)
	}
	return err
}

// Close fails what was not flushed.
func (w *Writes) Close() {
	w.Lock()
	defer w.Unlock()
	for _, done := range w.waiting {
		done(cmp.Or(w.err, errClosed))
	}
	w.waiting = nil
}

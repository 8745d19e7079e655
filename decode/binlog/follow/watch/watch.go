// Package watch wakes who waits for something new in a folder.
package watch

import (
	"errors"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"pikabin/decode/binlog/folder"
)

// Watcher turns what the system tells of folders into one signal: look now. It tells of new segments and folders, never of
// records, and may tell nothing at all (network and some overlay file systems), so it only shortens a wait.
type Watcher struct {
	wake    chan struct{} // holds one signal
	backend *fsnotify.Watcher
	done    chan struct{}
}

// New starts one, which is of use also when there is an error: it then never signals.
func New(poll bool) (*Watcher, error) {
	w := &Watcher{wake: make(chan struct{}, 1)}
	if poll {
		return w, nil
	}
	backend, err := fsnotify.NewWatcher()
	if err != nil {
		return w, err
	}
	w.backend, w.done = backend, make(chan struct{})
	go w.forward()
	return w, nil
}

// forward takes the events, so that their queue does not fill up while nobody waits.
func (w *Watcher) forward() {
	defer close(w.done)
	for w.backend.Events != nil {
		select {
		case event, ok := <-w.backend.Events:
			if !ok {
				return
			}
			if folder.Matters(filepath.Base(event.Name)) {
				w.signal()
			}
		case _, ok := <-w.backend.Errors:
			if !ok {
				return
			}
			w.signal() // events were lost
		}
	}
}

func (w *Watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Wake gives a value when there may be something new.
func (w *Watcher) Wake() <-chan struct{} { return w.wake }

// Add watches one more folder, without those below it.
func (w *Watcher) Add(dir string) error {
	if w.backend == nil {
		return nil
	}
	if err := w.backend.Add(dir); err != nil && !errors.Is(err, fsnotify.ErrClosed) {
		return err
	}
	return nil
}

// Close ends the watching and waits for its goroutine.
func (w *Watcher) Close() error {
	if w.backend == nil {
		return nil
	}
	err := w.backend.Close()
	<-w.done
	return err
}

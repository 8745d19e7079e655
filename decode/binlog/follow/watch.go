package follow

import (
	"errors"
	"path/filepath"

	"github.com/fsnotify/fsnotify"

	"pikabin/decode/binlog/folder"
)

// watcher turns what the system tells of folders into one signal: look now. It tells of new segments and folders, never of
// records, and may tell nothing at all (network and some overlay file systems), so it only shortens a wait.
type watcher struct {
	wake    chan struct{} // holds one signal
	backend *fsnotify.Watcher
	done    chan struct{}
}

// newWatcher starts one, which is of use also when there is an error: it then never signals.
func newWatcher(poll bool) (*watcher, error) {
	w := &watcher{wake: make(chan struct{}, 1)}
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
func (w *watcher) forward() {
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

func (w *watcher) signal() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// add watches one more folder, without those below it.
func (w *watcher) add(dir string) error {
	if w.backend == nil {
		return nil
	}
	if err := w.backend.Add(dir); err != nil && !errors.Is(err, fsnotify.ErrClosed) {
		return err
	}
	return nil
}

// close ends the watching and waits for its goroutine.
func (w *watcher) close() error {
	if w.backend == nil {
		return nil
	}
	err := w.backend.Close()
	<-w.done
	return err
}

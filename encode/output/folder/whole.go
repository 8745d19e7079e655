package folder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// Where several hosts share the state, it counts whole parts only. A part that is open is nothing that another host could continue: it may not have
// the file, and the run that wrote it may stand still and write on. So a part has a hidden name with the term in it, is complete, durable and staged
// before the state counts it, and is shown after that. Nobody touches it then but to show it, which anybody may do who has read the state, and
// again. When one part becomes complete all do: a position is between two parts then, of whatever hours.

// wholeInterval is how long parts are written at most there, unless told otherwise: the next run reads again what is in none. It is below
// the time after which a position that does not move is unhealthy.
const wholeInterval = 30 * time.Second

// whole says that several hosts share the state.
func (f *folder) whole() bool { return f.env.Term > 0 }

// interval is how long a part is written at most; 0: there is no bound.
func (f *folder) interval() time.Duration {
	if f.whole() {
		return cmp.Or(f.rollInterval, wholeInterval)
	}
	return f.rollInterval
}

// flushWhole counts all that was written, if a part is to become complete, or else nothing more than before.
func (f *folder) flushWhole(ctx context.Context, m sink.Moment) (note any, err error) {
	if note, ok := f.still(m); ok {
		return note, nil
	}
	err = f.writes.Flush(func() (func() error, error) {
		f.finishAll()
		if err := f.endFrames(ctx); err != nil {
			return nil, err
		}
		f.sealNext()
		f.becomeReady(m)
		f.counted = f.noted()
		note = f.counted
		return f.staging(ctx), nil
	})
	return note, err
}

// still gives the note of the last flush, less what was shown since, while no part is to become complete.
func (f *folder) still(m sink.Moment) (note folderNote, ok bool) {
	f.writes.Lock()
	defer f.writes.Unlock()
	due := m != sink.Passing || len(f.open) == 0 || slices.ContainsFunc(f.opened(), f.old) ||
		slices.ContainsFunc(f.complete, func(p *part) bool { return !p.staged })
	if due {
		return note, false
	}
	isThere := func(n partNote) bool {
		return slices.ContainsFunc(f.complete, func(p *part) bool { return p.Name == n.Name })
	}
	f.counted.Complete = slices.DeleteFunc(slices.Clone(f.counted.Complete), func(n partNote) bool { return !isThere(n) })
	f.counted.Ready = slices.DeleteFunc(slices.Clone(f.counted.Ready), func(dir string) bool { return !slices.Contains(f.ready, dir) })
	return f.counted, true
}

// staging gives what makes the parts that are complete durable, as they are to be shown, and stages them.
func (f *folder) staging(ctx context.Context) func() error {
	parts := slices.DeleteFunc(slices.Clone(f.complete), func(p *part) bool { return p.staged })
	return func() error {
		if err := errors.Join(f.syncAll(parts), checkThere(parts)); err != nil {
			return err
		}
		for _, p := range parts {
			n := p.noted()
			path, err := f.staged(ctx, &n)
			if err == nil {
				err = f.store.Stage(ctx, path)
			}
			if err != nil {
				return err
			}
			p.staged = true
		}
		return nil
	}
}

// termPattern finds the term in a hidden name.
var termPattern = regexp.MustCompile(`\.t(\d+)\.(part|sealed)$`)

// Staged are the hidden names of the parts that the note of a shared state counts.
func Staged(note json.RawMessage) (map[string]bool, error) {
	var n folderNote
	if note != nil {
		if err := json.Unmarshal(note, &n); err != nil {
			return nil, fmt.Errorf("the state's note: %w", err)
		}
	}
	names := map[string]bool{}
	for _, p := range slices.Concat(n.Complete, n.Left) {
		names[filepath.ToSlash(p.hidden())], names[filepath.ToSlash(p.sealed())] = true, true
	}
	return names, nil
}

// TermOf is the term of a hidden name; 0: there is none in it.
func TermOf(name string) uint64 {
	m := termPattern.FindStringSubmatch(name)
	if m == nil {
		return 0
	}
	term, _ := strconv.ParseUint(m[1], 10, 64) // of too many digits it is the largest
	return term
}

// maxLeft is how many parts of other hosts are kept in mind: each is of one that died between a save and what it was to show then.
const maxLeft = 64

// miss is told of a part that is counted, and whose file is not here. It was shown already, or it lies on the disk of the host that wrote it.
func (f *folder) miss(ctx context.Context, n *partNote) error {
	if !f.whole() || n.Host == f.env.Host {
		return nil
	}
	if there, err := f.store.Has(ctx, n.Name); there || err != nil {
		return err
	}
	f.left = append(f.left, *n)
	f.left = f.left[max(0, len(f.left)-maxLeft):]
	return nil
}

// showLeft shows the parts in the folder that a note counts and a host has written, while another one writes.
func (o *output) showLeft(ctx context.Context, note json.RawMessage, host string) error {
	var n folderNote
	if note == nil {
		return nil
	}
	if err := json.Unmarshal(note, &n); err != nil {
		return fmt.Errorf("the state's note of %s: %w", o.dir, err)
	}
	d := disk.New(&sink.Env{})
	f := &folder{Disk: d, dir: o.dir, store: &local{Disk: d, dir: o.dir}}
	for _, p := range slices.Concat(n.Left, n.Complete) {
		if p.Host != host {
			continue
		}
		for _, name := range []string{p.sealed(), p.hidden()} {
			err := f.store.Publish(ctx, f.path(name), p.Name)
			if err == nil {
				break
			}
			if !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

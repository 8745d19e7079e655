package object

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"

	"pikabin/encode/disk"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/owner"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// Where several hosts share the state, a spool on the disk of one of them is of no use to the next. So a part that is complete goes to the bucket
// before the state counts it, below a prefix of its own and with the term in its name, and is copied to its place after that, which anybody may
// do who has read the state, and again. Written to its place at once, under a condition, it would be seen before it is counted: by a run that
// stood still meanwhile even long after others have written what it holds.

// stagedSuffix makes the prefix of parts that are not counted yet of that of the output.
const stagedSuffix = ".staged/"

// shared is the folder.Store of parts that are staged in the bucket.
type shared struct {
	*disk.Disk
	dir     string // of what is being written
	own     bool   // it is of this run alone
	to      store.Place
	staging store.Place
	begin   *opening
	content string // type
}

// openShared opens the output for one of several hosts.
func (o *output) openShared(ctx context.Context, to store.Place, e *sink.Env) (opened sink.Opened, err error) {
	counted, err := folder.Staged(e.Note)
	if err != nil {
		return opened, err
	}
	dir, own := o.spool, o.spool == ""
	if own {
		if dir, err = os.MkdirTemp("", "pikabin-parts-"); err != nil {
			return opened, err
		}
	}
	s := &shared{Disk: disk.New(e), dir: dir, own: own, to: to, staging: to.Beside(strings.TrimSuffix(to.Prefix(), "/") + stagedSuffix), content: e.Content}
	// Conditions decide nothing here but who makes the owner: two runs of one state are kept apart by that.
	s.begin = &opening{dir: dir, store: to, settings: o.Settings, env: e, checked: true}
	if err = s.begin.share(ctx, "state "+e.State); err == nil {
		err = s.begin.ask(ctx, func() error { return s.clean(ctx, e.Term, counted) })
	}
	if err == nil {
		opened, err = folder.Open(ctx, dir, o.Settings, s, e)
	}
	if err != nil {
		return opened, errors.Join(err, s.removeDir())
	}
	s.begin.patient = true
	opened.Sink, opened.Traits.Drain = &sharedSink{Resumable: opened.Sink.(sink.Resumable), shared: s}, drainTime
	return opened, nil
}

// removeDir removes the folder of what was being written, where it is of this run alone. In another one the next run clears away what is left.
func (s *shared) removeDir() error {
	if !s.own {
		return nil
	}
	return os.RemoveAll(s.dir)
}

// share makes the prefix that of a state.
func (o *opening) share(ctx context.Context, id string) error {
	owned, err := o.checkPrefix(ctx, id, o.env.Note == nil)
	if err != nil || owned {
		return err
	}
	return o.ask(ctx, func() error {
		err := owner.Write(ctx, o.store, owner.New(id, o.env.State))
		if errors.Is(err, store.ErrExists) { // at this moment, by another run: its owner is looked at
			_, err = o.checkPrefix(ctx, id, false)
		}
		return err
	})
}

// clean removes what runs of earlier terms have staged and no state counts. What the present one counts is shown by the folder.
func (s *shared) clean(ctx context.Context, term uint64, counted map[string]bool) error {
	for name, err := range s.staging.List(ctx) {
		if err != nil {
			return err
		}
		if t := folder.TermOf(name); t == 0 || t >= term || counted[name] {
			continue
		}
		if err := s.staging.Remove(ctx, name); err != nil {
			return err
		}
	}
	s.abort(ctx, term)
	return nil
}

// abort removes what runs of earlier terms have not staged as a whole.
func (s *shared) abort(ctx context.Context, term uint64) {
	err := s.staging.Abort(ctx, func(name string) bool {
		t := folder.TermOf(name)
		return t != 0 && t < term
	})
	if err != nil {
		s.begin.env.Watched().Warn(err.Error())
	}
}

// persist does something with the bucket for as long as it takes, until the run is to end, or until the disk with the parts has gone.
func (s *shared) persist(ctx context.Context, name string, do func() error) error {
	var disk error
	err := s.begin.ask(ctx, func() error {
		if _, disk = s.Stat(s.dir); disk != nil {
			return nil //nolint:nilerr // that ends the asking, and is given below
		}
		return do()
	})
	if _, stopped := errors.AsType[*sink.StoppedError](err); stopped {
		return &sink.FullError{Path: s.to.String() + name, Err: errNotSent}
	}
	return cmp.Or(disk, err)
}

// errNotSent is why the run ends without a part.
var errNotSent = errors.New("it could not be sent")

// Stage implements folder.Store.
func (s *shared) Stage(ctx context.Context, staged string) error {
	name, err := s.nameOf(staged)
	if err != nil {
		return err
	}
	file, err := vfs.OpenOwn(s.Disk, staged, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	size, sum, err := sumOf(file)
	if err != nil {
		return err
	}
	blob := &store.Blob{Content: file, Size: size, Type: s.content, Meta: map[string]string{store.MetaSum: sum}}
	if _, err := hex.Decode(blob.SHA256[:], []byte(sum)); err != nil {
		return err
	}
	return s.persist(ctx, name, func() error {
		err := s.staging.Put(ctx, name, blob)
		if errors.Is(err, store.ErrExists) { // an answer was lost: the term is ours alone
			return nil
		}
		return err
	})
}

// nameOf is the name of a staged file below the prefix of those.
func (s *shared) nameOf(staged string) (string, error) {
	name, err := filepath.Rel(s.dir, staged)
	return filepath.ToSlash(name), err
}

// Publish implements folder.Store. What is not staged any more was published: here, or by the run that staged it.
func (s *shared) Publish(ctx context.Context, staged, name string) error {
	from, err := s.nameOf(staged)
	if err != nil {
		return err
	}
	err = s.persist(ctx, from, func() error { return s.to.Move(ctx, s.staging, from, filepath.ToSlash(name)) })
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.Remove(staged); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// Has implements folder.Store.
func (s *shared) Has(ctx context.Context, name string) (there bool, err error) {
	err = s.persist(ctx, name, func() error {
		_, err := s.to.Head(ctx, filepath.ToSlash(name))
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Names implements folder.Store: those in the bucket were looked at before the folder is opened.
func (*shared) Names(context.Context) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

// sharedSink is the folder's, with what it needs besides.
type sharedSink struct {
	sink.Resumable
	shared *shared
}

// Close implements sink.Sink.
func (s *sharedSink) Close(ctx context.Context) error {
	err := s.Resumable.Close(ctx)
	s.shared.to.Close()
	return errors.Join(err, s.shared.removeDir())
}

// Package copied is the second copy of a table: objects in a bucket, in the partitions of the table, each made of parts that get no more events.
//
// What is copied is known by the bucket alone. The objects of a log and a partition are a chain: each tells where its events begin and end, and the next one
// is that of the first event after this end. So who knows the end knows the name of the next object, whatever parts the events are in, and it is written
// under the condition that it is not there. Of several runs at a time one succeeds, and the others find another end and continue from that.
package copied

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"

	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/owner"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sink"
)

// Table is a copy, below a prefix of a bucket.
type Table struct {
	to       store.Store
	checked  bool // the store is not relied upon to refuse a second object of one name
	ends     map[log]*end
	complete map[string]bool // partitions with folder.SuccessName
	added    map[string]bool // objects of this run
}

// log is one of a partition.
type log struct{ dir, series string }

// end is the last object of a log.
type end struct {
	name folder.PartName
	told *Object // nil: it was not asked yet
}

// ownerID is who owns the prefix. What is to be copied next does not depend on who has copied before.
const ownerID = "compact"

// Open looks at what is below the prefix. A prefix that belongs to a state is refused. checked: each name is asked for before it is written.
func Open(ctx context.Context, to store.Store, checked bool) (*Table, error) {
	t := &Table{to: to, checked: checked, added: map[string]bool{}}
	if err := ask(ctx, func() error { return to.Check(ctx) }); err != nil {
		return nil, err
	}
	if _, err := t.owner(ctx); err != nil {
		return nil, err
	}
	return t, ask(ctx, func() error { return t.list(ctx) })
}

// tries is how often a store is asked that does not answer: for about a minute.
const tries = 11

// ask does something with the store. The error is a sink.Error, or that of the context.
func ask(ctx context.Context, do func() error) error {
	err := store.Again(ctx, tries, do)
	switch {
	case err == nil, errors.Is(err, store.ErrExists), errors.Is(err, fs.ErrNotExist):
		return err
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &sink.Error{Err: err}
}

// owner refuses a prefix that is somebody else's. owned: it is known to be a copy.
func (t *Table) owner(ctx context.Context) (owned bool, err error) {
	var o owner.Owner
	err = ask(ctx, func() (err error) {
		o, err = owner.Of(ctx, t.to)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, checkOwner(t.to, o, err)
}

func checkOwner(to store.Store, o owner.Owner, err error) error {
	if err != nil || o.ID == ownerID {
		return err
	}
	return &sink.TargetError{Err: fmt.Errorf("%s belongs to the state %s, which its object %s says: name another prefix", to, o.State, owner.Name)}
}

// Claim makes the prefix that of a copy of a folder. careless: the store overwrites what it should not, and each name is asked for before it is written.
func (t *Table) Claim(ctx context.Context, dir string) (careless bool, err error) {
	owned, err := t.owner(ctx)
	if err != nil {
		return false, err
	}
	var now owner.Owner
	err = ask(ctx, func() (err error) {
		now, careless, err = owner.Claim(ctx, t.to, owner.New(ownerID, dir+" (copied by compact)"), owned, t.checked)
		return err
	})
	t.checked = t.checked || careless
	return careless, checkOwner(t.to, now, err)
}

// list finds the last object of each log and partition.
func (t *Table) list(ctx context.Context) error {
	t.ends, t.complete = map[log]*end{}, map[string]bool{}
	for name, err := range t.to.List(ctx) {
		if err != nil {
			return err
		}
		dir, base := path.Split(name)
		dir = strings.TrimSuffix(dir, "/")
		if base == folder.SuccessName {
			t.complete[dir] = true
		}
		if n, ok := folder.ParsePartName(base); ok {
			at := log{dir, n.Series}
			if last := t.ends[at]; last == nil || last.name.Compare(&n) < 0 {
				t.ends[at] = &end{name: n}
			}
		}
	}
	return nil
}

// asked is how many objects are asked for at a time.
const asked = 16

// Ask asks the last objects in partitions what they tell, many at a time, so that End has not to. What is wrong with one of them is told by End.
func (t *Table) Ask(ctx context.Context, dirs []string) error {
	of := map[string]bool{}
	for _, dir := range dirs {
		of[dir] = true
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var work sync.WaitGroup
	slots := make(chan struct{}, asked)
	for at, last := range t.ends {
		if !of[at.dir] || ctx.Err() != nil {
			continue
		}
		slots <- struct{}{}
		work.Go(func() {
			err := t.ask(ctx, at, last)
			if _, away := errors.AsType[*sink.Error](err); away {
				cancel(err)
			}
			<-slots
		})
	}
	work.Wait()
	return context.Cause(ctx)
}

// ask asks the last object of a log what it tells.
func (t *Table) ask(ctx context.Context, at log, last *end) error {
	name := at.dir + "/" + last.name.String()
	var info store.Info
	err := ask(ctx, func() (err error) {
		info, err = t.to.Head(ctx, name)
		return err
	})
	if err != nil {
		return err
	}
	if last.told, err = objectOf(last.name, info); err != nil {
		return &ForeignError{Object: t.to.String() + name, Text: err.Error()}
	}
	return nil
}

// End is the last object of a log in a partition, nil if there is none.
func (t *Table) End(ctx context.Context, dir, series string) (*Object, error) {
	at := log{dir, series}
	last := t.ends[at]
	if last == nil {
		return nil, nil
	}
	if last.told == nil {
		if err := t.ask(ctx, at, last); err != nil {
			return nil, err
		}
	}
	return last.told, nil
}

// Add adds the next object of a log in a partition. The error wraps store.ErrExists if it is there meanwhile: then End is what another run has made the end.
func (t *Table) Add(ctx context.Context, dir string, o *Object, kind string, content io.ReaderAt, size int64) error {
	blob := &store.Blob{Content: content, Size: size, Type: kind, Meta: o.meta()}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(content, 0, size)); err != nil {
		return err
	}
	h.Sum(blob.SHA256[:0])
	blob.Meta[store.MetaSum] = hex.EncodeToString(blob.SHA256[:])
	name := dir + "/" + o.Name.String()
	err := ask(ctx, func() error { return t.put(ctx, name, blob) })
	if err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	last := &end{name: o.Name}
	t.added[name], t.ends[log{dir, o.Name.Series}] = true, last
	if err == nil {
		last.told = o
		return nil
	}
	if there, errEnd := t.End(ctx, dir, o.Name.Series); errEnd != nil {
		return errEnd
	} else if there.Sum == o.Sum { // an answer was lost, or another run has done the same
		return nil
	}
	return err
}

func (t *Table) put(ctx context.Context, name string, b *store.Blob) error {
	if t.checked {
		if _, err := t.to.Head(ctx, name); err == nil {
			return store.ErrExists
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := t.to.Put(ctx, name, b)
	if errors.Is(err, fs.ErrNotExist) { // the upload has gone: the next attempt finds the object of the run that has ended it, or begins anew
		err = errors.New(err.Error())
	}
	return err
}

// Complete says of a partition that it is complete, as the folder does.
func (t *Table) Complete(ctx context.Context, dir string) error {
	if t.complete[dir] {
		return nil
	}
	t.complete[dir] = true
	return ask(ctx, func() error { return store.Mark(ctx, t.to, dir+"/"+folder.SuccessName) })
}

// Clean removes what is left of uploads of objects that are there. Those of another run can come to nothing, too.
func (t *Table) Clean(ctx context.Context) error {
	if len(t.added) == 0 {
		return nil
	}
	return store.Again(ctx, tries, func() error {
		return t.to.Abort(ctx, func(name string) bool { return t.added[name] })
	})
}

// ForeignError is an object that is in the place of one of the copy, and is none.
type ForeignError struct {
	Object string
	Text   string
}

// Error says what can be done.
func (e *ForeignError) Error() string {
	return fmt.Sprintf("%s is not of this copy: %s; name another prefix, or remove it if it is known to be in the way; nothing was overwritten", e.Object, e.Text)
}

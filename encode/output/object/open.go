package object

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/disk"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/owner"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// idName is the file that tells a spool from others.
const idName = ".pikabin.spool"

// opening is what is needed to open the output.
type opening struct {
	dir       string // of the spool
	store     store.Store
	limit     int64
	settings  folder.Settings
	env       *sink.Env
	checked   bool // the store is not relied upon to refuse a second object of one name
	temporary bool // the spool is for this run alone
	patient   bool // what somebody has to do something about is waited for, too: credentials expire while a run lasts
}

// open checks the spool and the prefix before anything is changed, continues the spool, and begins to send.
func open(ctx context.Context, o *opening) (opened sink.Opened, err error) {
	n, inner, err := o.noted()
	if err != nil {
		return opened, err
	}
	d := disk.New(o.env)
	id, err := o.spoolID(d, n.Spool)
	if err != nil {
		return opened, err
	}
	owned, err := o.checkPrefix(ctx, id, o.env.Resume && o.env.Note == nil)
	if err != nil {
		return opened, err
	}
	out := newOutbox(o, id)
	for _, p := range n.Waiting {
		if err := out.resume(p); err != nil {
			out.end()
			return opened, err
		}
	}
	env := *o.env
	env.Note = inner
	if opened, err = folder.Open(ctx, o.dir, o.settings, out, &env); err != nil {
		out.end()
		return opened, err
	}
	b := &bucket{Resumable: opened.Sink.(sink.Resumable), out: out, stop: o.env.Stop, gone: o.temporary, warn: o.env.Watched().Warn}
	if err := o.settle(ctx, out, owned); err != nil {
		return opened, errors.Join(err, b.Close(ctx))
	}
	out.start()
	opened.Sink, opened.Traits.Failed, opened.Traits.Drain = b, out.failed, drainTime
	if staged := opened.Traits.Shown; staged != nil {
		opened.Traits.Shown = func(marks map[*decode.Log]checkpoint.Mark) {
			staged(marks)
			out.unsent(marks)
		}
	}
	return opened, nil
}

// noted is the note of the state, and the folder's in it.
func (o *opening) noted() (note, json.RawMessage, error) {
	var inner json.RawMessage
	n := note{Parts: &inner}
	if o.env.Note == nil {
		return n, nil, nil
	}
	err := json.Unmarshal(o.env.Note, &n)
	if err == nil && (n.Spool == "" || inner == nil) {
		err = errors.New("it tells of no spool")
	}
	if err != nil {
		err = fmt.Errorf("the state's note of %s: %w", o.store, err)
	}
	return n, inner, err
}

// spoolID is the id of the spool, which has to be that of the state. A new one gets its file once the spool is locked.
func (o *opening) spoolID(d *disk.Disk, want string) (string, error) {
	file, err := vfs.OpenOwn(d, filepath.Join(o.dir, idName), os.O_RDONLY, 0)
	switch {
	case errors.Is(err, fs.ErrNotExist) && want == "":
		return rand.Text(), nil
	case errors.Is(err, fs.ErrNotExist):
		return "", &LostSpoolError{Dir: o.dir, Text: "there is none, or it is empty"}
	case err != nil:
		return "", err
	}
	text, err := io.ReadAll(file)
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	id := strings.TrimSpace(string(text))
	if want != "" && id != want {
		return "", &LostSpoolError{Dir: o.dir, Text: "it is that of another one"}
	}
	return id, nil
}

// checkPrefix refuses a prefix that belongs to another state, or that has parts which a new state knows nothing of. owned says that the
// prefix is known to be ours.
func (o *opening) checkPrefix(ctx context.Context, id string, fresh bool) (owned bool, err error) {
	err = o.ask(ctx, func() error { return o.store.Check(ctx) })
	if err != nil {
		return false, err
	}
	var there owner.Owner
	err = o.ask(ctx, func() (err error) {
		there, err = owner.Of(ctx, o.store)
		return err
	})
	switch {
	case err == nil && there.ID != id:
		return false, &sink.TargetError{Err: fmt.Errorf("%s belongs to the state %s, which its object %s says: continue with that state and its spool, or name another prefix",
			o.store, there.State, owner.Name)}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	case fresh:
		return err == nil, o.ask(ctx, func() error { return o.checkEmpty(ctx) })
	}
	return err == nil, nil
}

// checkEmpty does not let a new state write among parts that it knows nothing of.
func (o *opening) checkEmpty(ctx context.Context) error {
	for name, err := range o.store.List(ctx) {
		if err != nil {
			return err
		}
		if _, ok := folder.SeriesOf(name); ok {
			return &sink.TargetError{Err: fmt.Errorf("%s%s is there already, and the state is a new one: move the objects away, or name another prefix", o.store, name)}
		}
	}
	return nil
}

// settle makes the spool and the prefix ours, and removes what an earlier run has left.
func (o *opening) settle(ctx context.Context, out *outbox, owned bool) error {
	if err := out.checkKnown(); err != nil {
		return err
	}
	ours := func(name string) bool { _, ok := folder.SeriesOf(name); return ok }
	if o.env.Resume {
		if err := out.writeID(ctx); err != nil {
			return err
		}
		if err := o.ask(ctx, func() error { return o.claim(ctx, out, owned) }); err != nil {
			return err
		}
	}
	if err := o.store.Abort(ctx, ours); err != nil {
		o.env.Watched().Warn(err.Error())
	}
	return nil
}

// claim writes the owner, and finds out whether the store keeps to conditions.
func (o *opening) claim(ctx context.Context, out *outbox, owned bool) error {
	now, careless, err := owner.Claim(ctx, o.store, owner.New(out.id, o.env.State), owned, o.checked)
	if careless {
		out.checked = true
		o.env.Watched().Warn(fmt.Sprintf("%s: the server overwrites objects in spite of If-None-Match: each name is asked for before it is written, "+
			"which two runs at one moment can get past; the option conditional=off says that it is known", o.store))
	}
	if err == nil && now.ID != out.id {
		err = &sink.TargetError{Err: fmt.Errorf("%s was taken at this moment by the state %s: name another prefix", o.store, now.State)}
	}
	return err
}

// ask does something with the store until it answers, the context ends, or the run is to stop.
func (o *opening) ask(ctx context.Context, do func() error) error {
	for wait, told := firstWait, false; ; wait = min(2*wait, lastWait) {
		err := do()
		_, refused := errors.AsType[*store.RefusedError](err)
		_, target := errors.AsType[*sink.TargetError](err)
		if err == nil || refused && !o.patient || target || errors.Is(err, fs.ErrNotExist) {
			if told {
				o.env.Watched().Waits(nil)
			}
			return err
		}
		if ctx.Err() != nil { // that is why it has failed
			return &sink.StoppedError{Err: err}
		}
		if !told {
			told = true
			o.env.Watched().Warn(fmt.Sprintf("%v; trying on for as long as it takes", err))
		}
		o.env.Watched().Waits(err)
		select {
		case <-o.env.Stop:
			return &sink.StoppedError{Err: err}
		default:
		}
		if !pause(ctx, wait) {
			return &sink.StoppedError{Err: err}
		}
	}
}

// writeID makes the id of the spool durable.
func (b *outbox) writeID(ctx context.Context) error {
	path := filepath.Join(b.dir, idName)
	if _, err := b.disk.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return b.disk.Replace(ctx, path, []byte(b.id+"\n"))
}

// checkKnown refuses a spool with complete parts that the state knows nothing of, and removes marks that it does not need.
func (b *outbox) checkKnown() error {
	return folder.Walk(b.disk, b.dir, func(path string) error {
		name, err := filepath.Rel(b.dir, path)
		if err != nil {
			return err
		}
		if _, ok := folder.SeriesOf(name); ok && !b.has(name) && !b.stateless {
			return &LostSpoolError{Dir: b.dir, Text: name + " waits in it, which the state knows nothing of"}
		}
		dir, base := filepath.Split(name)
		base, isMark := strings.CutSuffix(base, sentSuffix)
		if part := dir + strings.TrimPrefix(base, "."); isMark && !b.has(part) {
			if _, ok := folder.SeriesOf(part); ok {
				return b.disk.Remove(path)
			}
		}
		return nil
	})
}

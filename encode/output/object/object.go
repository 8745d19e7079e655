// Package object delivers parts to an object store, each of them once: a folder's parts are staged in a spool on the disk, and each that is
// complete by the state is sent as one object, which is there as a whole or not at all.
package object

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pikabin/decode/units"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/places"
	"pikabin/encode/output/object/store"
	"pikabin/encode/sink"
)

// The rows of the table.
var (
	Type = typeOf(&places.S3)
	HDFS = typeOf(&places.HDFS)
)

// typeOf is the row of a kind of store.
func typeOf(kind *places.Kind) sink.Type {
	return sink.Type{
		Name: kind.Name, Form: kind.Form, Doc: kind.Doc,
		Delivered: "written and synced in a spool on the disk; the object follows once its part is complete",
		Crash:     "with a state exactly once: no object is replaced",
		Settings: append([]sink.Setting{
			{Name: spoolDir, Placeholder: "DIR", Help: "Where parts lie until they are sent. Default: the name of the state and .spool; without a state a folder in TMPDIR."},
			{Name: spoolLimit, Placeholder: "SIZE", Help: "Stop reading while complete parts of this size wait in the spool. Default: 4GiB."},
		}, folder.Flags...),
		Variables: kind.Variables,
		Parse: func(target string, given map[string]string) (sink.Output, bool, error) {
			if !kind.Is(target) {
				return nil, false, nil
			}
			o, err := parse(kind, target, given)
			if err != nil {
				return nil, true, err
			}
			return o, true, nil
		},
	}
}

// The names of the settings.
const (
	spoolDir   = "spool"
	spoolLimit = "spool-limit"
)

// output is a place for objects and its settings.
type output struct {
	target *places.Target
	folder.Settings
	spool string // empty: the default
	limit int64
}

func parse(kind *places.Kind, target string, given map[string]string) (*output, error) {
	o := &output{}
	var err error
	if o.target, err = kind.Parse(target); err != nil {
		return nil, err
	}
	if o.Settings, err = folder.ParseSettings(given); err != nil {
		return nil, err
	}
	if o.limit, err = units.ParseSize(cmp.Or(given[spoolLimit], "4GiB")); err != nil {
		return nil, fmt.Errorf("--%s: %w", spoolLimit, err)
	}
	if given[spoolDir] != "" {
		o.spool = filepath.Clean(given[spoolDir])
	}
	return o, nil
}

// Target implements sink.Output.
func (o *output) Target() sink.Target {
	t := sink.Target{Parts: true, Whole: true, Standby: o.Standby()}
	if o.spool != "" {
		t.Paths = []string{o.spool + "/"}
	}
	return t
}

// Identity implements sink.Output.
func (o *output) Identity(context.Context, sink.Monitor) (string, error) {
	return o.target.Name, nil
}

// Open implements sink.Output.
func (o *output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	place, err := o.target.Open()
	if err != nil {
		return sink.Opened{}, err
	}
	var opened sink.Opened
	if e.Term > 0 {
		opened, err = o.openShared(ctx, place, &e)
	} else {
		opened, err = o.open(ctx, place, &e)
	}
	if err != nil {
		place.Close()
	}
	return opened, err
}

// open opens the output into any store.
func (o *output) open(ctx context.Context, to store.Store, e *sink.Env) (sink.Opened, error) {
	dir, err := o.spoolOf(e)
	if err != nil {
		return sink.Opened{}, err
	}
	opened, err := open(ctx, &opening{dir: dir, store: to, limit: o.limit, settings: o.Settings, env: e, checked: o.target.Checked, temporary: o.isTemporary(e)})
	if err != nil && o.isTemporary(e) {
		err = errors.Join(err, os.RemoveAll(dir))
	}
	return opened, err
}

// isTemporary says that the spool is of this run alone.
func (o *output) isTemporary(e *sink.Env) bool { return o.spool == "" && e.State == "" }

// spoolOf is the folder of the spool.
func (o *output) spoolOf(e *sink.Env) (string, error) {
	switch {
	case o.spool != "":
		return o.spool, nil
	case e.State != "":
		return e.State + ".spool", nil
	}
	return os.MkdirTemp("", "pikabin-spool-")
}

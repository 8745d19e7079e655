package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// Rehearse implements sink.Rehearser.
func (o *output) Rehearse(ctx context.Context, e sink.Env) (sink.Rehearsal, error) {
	text, err := o.rehearse(ctx, &e)
	return sink.Rehearsal{Text: text}, err
}

func (o *output) rehearse(ctx context.Context, e *sink.Env) (text string, err error) {
	d := disk.New(e)
	f := &folder{Disk: d, dir: o.dir, Settings: o.Settings, store: &local{Disk: d, dir: o.dir}, env: e}
	if err := disk.WritableDir(o.dir); err != nil {
		return "", err
	}
	if _, err := d.Stat(o.dir); errors.Is(err, fs.ErrNotExist) && e.Note == nil {
		return "would be made", nil
	}
	n, _, err := f.examine(ctx, e.Note)
	if err != nil {
		return "", err
	}
	for _, p := range n.Open {
		if err := d.Recognise(f.path(p.hidden()), p.End); err != nil {
			return "", err
		}
	}
	switch {
	case len(n.Open) > 0:
		return fmt.Sprintf("would be continued, with parts that are open: %d", len(n.Open)), nil
	case e.Note != nil:
		return "would be continued with new parts", nil
	case e.Resume:
		return "is there without parts, which would be added", nil
	}
	return "is there, and parts would be added; those of the same names would be overwritten", nil
}

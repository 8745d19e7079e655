package object

import (
	"cmp"
	"context"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// Rehearse implements sink.Rehearser. That objects can be listed does not say that they can be written.
func (o *output) Rehearse(ctx context.Context, e sink.Env) (sink.Rehearsal, error) {
	place, err := o.target.Open()
	if err != nil {
		return sink.Rehearsal{}, err
	}
	defer place.Close()
	if err := place.Check(ctx); err != nil {
		return sink.Rehearsal{}, err
	}
	text := "can be listed, and objects would be added"
	if o.isTemporary(&e) || e.Term > 0 {
		return sink.Rehearsal{Text: text}, nil
	}
	spool := cmp.Or(o.spool, e.State+".spool")
	return sink.Rehearsal{Text: text + ", from the spool " + spool}, disk.WritableDir(spool)
}

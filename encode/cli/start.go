package cli

import (
	"context"
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode"
	"pikabin/encode/run"
)

// checkStart refuses a log that cannot be read from its place, before an output of this machine is opened: that would be emptied for nothing. Of several logs the
// first one is looked at, since what comes of it is written before the others are read.
func (f *outputFlags) checkStart(ctx context.Context, extents []extent, o *encode.Options) error {
	if run.IsRemote(f.Output) || len(extents) == 0 {
		return nil
	}
	e := extents[0]
	plan := e.log.Chunks(e.from, e.until, binlog.PlanOptions{Before: e.rewritten})
	defer plan.Close()
	chunk, err := plan.Next(ctx)
	hole, isHole := errors.AsType[decode.Hole](err)
	switch {
	case err == nil:
		chunk.Release()
	case errors.Is(err, io.EOF):
		return nil
	case isHole && (o.SkipGaps && !isDamage(hole) || o.SkipCorrupt && isDamage(hole)):
		return nil
	}
	return err
}

func isDamage(hole decode.Hole) bool {
	_, ok := errors.AsType[*decode.CorruptError](hole)
	return ok
}

package cli

import (
	"context"
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/encode/run"
)

// checkStart refuses a log that cannot be read from its place, before an output of this machine is opened: that would be emptied for nothing. Of several logs the
// first one is looked at, since what comes of it is written before the others are read.
func (f *streamFlags) checkStart(ctx context.Context, l *binlog.Log, from decode.Position) error {
	if run.IsRemote(f.Output) {
		return nil
	}
	plan := l.Chunks(from, l.Committed(), binlog.PlanOptions{})
	defer plan.Close()
	chunk, err := plan.Next(ctx)
	hole, isHole := errors.AsType[decode.Hole](err)
	switch {
	case err == nil:
		chunk.Release()
	case errors.Is(err, io.EOF):
		return nil
	case isHole && (f.OnGap == "skip" && !isDamage(hole) || f.OnCorrupt == "skip" && isDamage(hole)):
		return nil
	}
	return err
}

func isDamage(hole decode.Hole) bool {
	_, ok := errors.AsType[*decode.CorruptError](hole)
	return ok
}

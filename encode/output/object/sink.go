package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/sink"
)

// bucket is the sink: the folder's in the spool, and what sends its parts.
type bucket struct {
	sink.Resumable
	out  *outbox
	stop <-chan struct{}
	gone bool // the spool goes with the run
	ends bool // everything has been flushed, for the last time
	warn func(string)
}

// note is what the state holds.
type note struct {
	Spool   string  `json:"spool"`             // the id of the spool
	Parts   any     `json:"parts"`             // the folder's
	Waiting []noted `json:"waiting,omitempty"` // complete by an earlier state, and not known to have been sent

	sent []string // when the note was made: they are in no part of it
}

// Write implements sink.Sink. It waits for room in the spool.
func (b *bucket) Write(ctx context.Context, batch *sink.Batch, done func(error)) {
	if err := b.out.room(ctx, b.stop); err != nil {
		batch.Release()
		done(err)
		return
	}
	b.Resumable.Write(ctx, batch, done)
}

// Flush implements sink.Resumable.
func (b *bucket) Flush(ctx context.Context, m sink.Moment) (any, error) {
	n := note{Spool: b.out.id}
	var err error
	n.Parts, err = b.Resumable.Flush(ctx, m)
	b.ends = m >= sink.End && err == nil
	n.Waiting, n.sent = b.out.state()
	return n, err
}

// Saved implements sink.Resumable. Parts that are complete by the note are sent from now on, beside everything else.
func (b *bucket) Saved(ctx context.Context, saved any) error {
	n := saved.(note)
	if err := b.Resumable.Saved(ctx, n.Parts); err != nil {
		return err
	}
	return b.out.forget(n.sent)
}

// rest waits for what is to be sent at the end. What is not comes with the next run, if there is one that knows of it.
func (b *bucket) rest(ctx context.Context) error {
	if err := b.out.empty(ctx, b.stop); err != nil {
		return err
	}
	parts, hours, bytes := b.out.left()
	if hours > 0 {
		b.warn(fmt.Sprintf("%d hours below %s are complete and were not told%s", hours, b.out.to, b.later(": the next run with this state tells them")))
	}
	if parts == 0 {
		return nil
	}
	text := fmt.Sprintf("%d parts, %s, were not sent to %s and wait in %s", parts, units.FormatSize(bytes), b.out.to, b.out.dir)
	if b.out.stateless {
		return errors.New(text + "; no --state keeps the place: send them by hand, or start again")
	}
	b.warn(text + ": the next run with this state sends them")
	return nil
}

// later is a text about the next run, if there is one that knows of this one.
func (b *bucket) later(text string) string {
	if b.out.stateless {
		return ""
	}
	return text
}

// Close implements sink.Sink. At the end of a run it waits for what is to be sent.
func (b *bucket) Close(ctx context.Context) error {
	var err error
	if b.ends {
		err = b.rest(ctx)
	}
	b.out.close()
	err = errors.Join(err, b.Resumable.Close(ctx))
	if parts, _, _ := b.out.left(); b.gone && parts == 0 {
		err = errors.Join(err, os.RemoveAll(b.out.dir))
	}
	return err
}

// drainTime is how long the end of the run may take: somewhat longer than it waits for what is being sent.
const drainTime = lastTime + 10*time.Second

// Package sink is the contract between the engine and the outputs, and nothing else.
package sink

import (
	"context"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Sink delivers batches. Write may return before delivery. It calls done exactly once, from any
// goroutine, with nil when the batch is durable as far as the sink promises; the batch belongs to the
// sink until then. Batches are written in log order and may finish in any order. Write may block:
// that is what stops the reading when the receiver is slow. A batch must not wait for the next one or for
// Close: there is no next one while the bytes in flight are at their bound. A context that has ended says that
// nothing more is read; what is written may still be delivered.
type Sink interface {
	Write(ctx context.Context, b *Batch, done func(error))

	// Close delivers what is still under way. No done is called after it has returned.
	Close(ctx context.Context) error
}

// Watched is a sink that can find out that it has failed while nothing is written.
type Watched interface {
	Sink

	// Gone receives the error. The run ends with it.
	Gone() <-chan error
}

// Ending is a sink that gives up by itself, and leaves nothing open, when it cannot deliver what is under way in a time of its own after
// SinkOptions.Stop was closed.
type Ending interface {
	Sink
	EndsInTime()
}

// Keeper is a sink of which the output outlives the run, and which can go on with it: the state holds a note of how far it
// had come. Its Write calls done as soon as it has no more need of the batch, in the order of the writes; what is durable
// Flush says. Flush and Kept may be called while Write runs.
type Keeper interface {
	Sink

	// Flush makes durable what Write has accepted. It returns how many writes that are since the last Flush that
	// succeeded, and a note that encoding/json can write, of the output as it is after the last of them. A write that
	// failed, and what comes after it, is not among them. complete says that a part that has been begun is to be
	// completed, however small it is.
	Flush(ctx context.Context, complete bool) (note any, writes int, err error)

	// Kept says that the state with a note of Flush is on the disk, with the positions that belong to it: what is
	// complete by that note may be shown to consumers now. Where no state is kept it is called all the same. After an
	// error the run ends, or Flush and Kept are called again.
	Kept(ctx context.Context, note any) error

	// Rolled receives when Flush and Kept have something to do before their time.
	Rolled() <-chan struct{}
}

// Gatherer is a sink that takes batches that are Loose, while Gathers says so.
type Gatherer interface {
	Sink
	Gathers() bool
}

// Parted is a sink of several outputs, each of one log. What tells of the log in the formats that need it, is at the
// beginning of each, and not where the log changes.
type Parted interface {
	Sink

	// SetHeader is called before the first Write. The function may be called by Write, and gives what an output begins with.
	SetHeader(header func(*decode.Log) []byte)
}

// Continued is a Keeper whose output may hold something already that a run continues after.
type Continued interface {
	Keeper

	// DB is the one that the output was last switched to, before the first Write.
	DB() string

	// Begun reports whether the output holds anything, before the first Write.
	Begun() bool
}

// Messenger is a sink that delivers each change by itself: Batch.Messages says where each is in Data, which holds them
// bare, see formats.Options. Nothing is compressed for it.
type Messenger interface {
	Sink
	Messages()
}

// Positioner is a sink whose output holds how far it has come, in one transaction with what it has come by.
type Positioner interface {
	Sink

	// Positions are the places to go on from, by the names of the logs, see decode.Log.String.
	Positions() map[string]checkpoint.Mark

	// Begin keeps where a run begins, before the first Write: a run that continues when nothing has been delivered yet has to begin there,
	// too, and not at what is the end of the log then.
	Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error

	// Pass says, between the writes, that a log was read up to a place without events that anybody wants. A run that continues need not
	// read that again, which may be gone then.
	Pass(log *decode.Log, mark checkpoint.Mark)
}

// Noter is a sink that is no Keeper and has something to say in the state of what the positions there are of.
type Noter interface {
	Sink

	// Note is asked for with each state that is saved. It gives what encoding/json can write, nil if there is nothing.
	Note() any
}

// Package sink is the contract between the engine and the outputs, and nothing else.
//
// The table of outputs makes an Output of a value of --output; nothing has been touched then. Output.Open gives a Sink with its Traits
// and with what was Found. A Sink that can be continued by a note in the state is a Resumable, and one that keeps the positions
// itself is a Transactional. An Output that can say what it would do is a Rehearser. There are no other interfaces to be found by type assertions.
package sink

import (
	"context"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Sink delivers batches.
type Sink interface {
	// Write takes a batch. Batches come in log order, from one goroutine. Write may return before delivery, and it may block, which
	// stops the reading when the receiver is slow.
	//
	// The sink calls b.Release once, as soon as it needs the batch no more, and done exactly once, from any goroutine and in any order:
	// with nil when the batch is durable as far as the sink promises, always. The two are apart: a batch may be released long before
	// it is durable. It must be released without the next one and without Close: there is no next one while the bytes in flight
	// are at their bound. done with an error ends the run: neither this batch nor any later one of its log counts as delivered.
	//
	// A context that has ended says that nothing more is read; what is written may still be delivered.
	Write(ctx context.Context, b *Batch, done func(error))

	// Close delivers what is still under way; a Resumable, which delivers in Flush alone, fails what was not flushed. No done is called
	// after it has returned.
	Close(ctx context.Context) error
}

// Moment is why a Resumable is flushed.
type Moment uint8

// The moments.
const (
	Passing Moment = iota // the state is to be saved, or the sink itself has asked by Due
	Roll                  // the user wants what is being written to be complete (SIGHUP)
	End                   // the run ends
	Whole                 // the run ends, and all that it was to read is written
)

// Resumable is a sink that a later run can continue: the state holds a note of how far its output had come. Flush and Saved may be
// called while Write runs, but not at the same time.
type Resumable interface {
	Sink

	// Flush makes durable what has been written, and calls done for it, so that what the positions count is what the note speaks of.
	// done(nil) is called inside Flush and nowhere else. encoding/json can write the note. After an error the run ends.
	Flush(ctx context.Context, m Moment) (note any, err error)

	// Saved says that the state with a note of Flush is on the disk, with the positions that belong to it: what is complete by
	// that note may be shown to consumers now. Where no state is kept it is called all the same. After an error the run ends.
	Saved(ctx context.Context, note any) error

	// Due receives when Flush and Saved have something to do before their time.
	Due() <-chan struct{}
}

// Transactional is a sink that stores the positions itself, in the transaction that holds the events.
type Transactional interface {
	Sink

	// Begin keeps where a run begins, before the first Write: a run that continues when nothing has been delivered yet has to begin there,
	// too, and not at what is the end of the log then.
	Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error

	// Pass says, between the writes, that a log was read up to a place without events that anybody wants. A run that continues need not
	// read that again, which may be gone then.
	Pass(log *decode.Log, mark checkpoint.Mark)
}

// Package cluster sends commands to the nodes of a Redis Cluster: each to the master that has the slot of its keys.
//
// The commands of a slot are done in their order, many at a time; between slots there is no order, except around what is for all keys, such as a flush: that
// waits until all before it is answered, and all after it waits for that. A node that sends a command on to another one (MOVED, ASK, TRYAGAIN) has not done it.
// Then nothing more is sent until all nodes have answered what they have, and the commands that were sent on are done at the other node, before those that
// come after them in their slot.
//
// What a connection leaves unanswered when it ends is sent again, and what the other nodes have answered is not. An event of a slot that was
// answered after one that was not is done again after that, so that the last word of each key is always the log's.
package cluster

import (
	"context"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
)

// Event is what is done at one node, in one go. One whose keys are of several slots is Torn, and is refused here.
type Event struct {
	Commands []byte // whole ones
	Slot     int    // of their keys, or Wide, or Torn
	Torn     int    // of these, the command whose keys they are

	got      int  // how many of the commands were answered, from the first on
	answered bool // all of them, or it is refused
	done     bool // it is answered, and enough replicas have it
	sentOn   bool // by a node to another one, for this once
}

// NewEvent finds out where commands belong. Without any it is done.
func NewEvent(commands []byte) Event {
	e := Event{Commands: commands, done: len(commands) == 0}
	e.Slot, e.Torn = Place(commands)
	return e
}

// forget lets all of its commands be sent again.
func (e *Event) forget() { e.got, e.answered, e.done = 0, false, false }

// Batch is what is delivered together.
type Batch interface {
	// Events are always the same ones.
	Events() []Event

	// Refused says what becomes of an event of which a node has refused a command, which is left out then: an error ends the session. Several goroutines call it.
	Refused(ctx context.Context, event, command int, why redis.Error) error

	// Delivered is called when all events are done, in the order of batches.
	Delivered()
}

// Session sends batches as long as its connections last.
type Session struct {
	Nodes *Nodes

	// Next waits for a batch. There is none after the last one, and when dead is closed.
	Next func(ctx context.Context, dead <-chan struct{}) (Batch, error)

	// Pace waits until so many events may be sent, of which there are at most Most at a time.
	Pace func(ctx context.Context, events int) error
	Most int
}

// errTorn is what a node would say.
const errTorn = redis.Error("CROSSSLOT its keys are of several slots of the cluster, and no node has all of them")

// Run sends batches: those that another session has left, and then those that come, until there are no more. It gives those that are not delivered.
func (s *Session) Run(ctx context.Context, left []Batch) ([]Batch, error) {
	for idle := 0; idle < mostHops; idle++ {
		reopen(left)
		f := s.newFlow()
		var err error
		left, err = f.run(ctx, left)
		if err = f.confirmLater(ctx, err); err != nil || len(left) == 0 {
			return left, err
		}
		mended, err := s.mend(ctx, left, f.moved)
		if err != nil {
			return left, err
		}
		if f.answered.Load()+int64(mended) > 0 {
			idle = 0
		}
	}
	return left, &link.LaterError{Why: "the nodes of the cluster send the same commands on to each other"}
}

// reopen lets events be done again that come in their slot after one that is not done.
func reopen(left []Batch) {
	open := map[int]bool{}
	for _, b := range left {
		events := b.Events()
		for i := range events {
			e := &events[i]
			switch {
			case open[e.Slot]:
				e.forget()
				e.done = len(e.Commands) == 0
			case !e.done:
				open[e.Slot] = true
			}
		}
	}
}

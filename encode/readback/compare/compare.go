// Package compare compares the events of logs with what an output holds of them: a sink that writes nothing. The engine gives it the events
// as it would give them to any output, and it looks for each where the output has to have it next.
package compare

import (
	"context"
	"fmt"

	"pikabin/decode"
	"pikabin/encode/readback"
	"pikabin/encode/sink"
)

// Held is what an output holds.
type Held struct {
	Format *readback.Format

	// Parts are those of one log, by names of Series, each list in the order in which its parts begin. With no Series all parts are under "",
	// and may hold events of any log.
	Parts  map[string][]Part
	Series func(log *decode.Log) string

	// Others are the files beside the parts that are none, and that readers take for parts.
	Others []string

	// Hidden are the files of parts that are not complete, which nobody reads.
	Hidden []string

	// Mixed says that in a part without a series events of a log may come after those of any other one. Else they come log by log but for events that
	// were logged at the same time.
	Mixed bool
}

// Range is what of a log is compared. Events of the output before From, and from Until on, are passed over where these are set.
type Range struct{ From, Until *decode.Position }

// Options say how to compare.
type Options struct {
	Logs    []*decode.Log         // all that will come, in their order
	Ranges  map[*decode.Log]Range // of those of which not all is compared
	Repeats bool                  // events may come again, as they were
}

// Comparison is the sink.
type Comparison struct {
	Report

	held    *Held
	o       Options
	log     *decode.Log
	state   map[string]turn // of the logs, by their names
	cursors []*cursor       // that are open
	waiting []Part          // of the log, not open yet
	last    *cursor
	recent  *recent
	begin   readback.Key // of the first event of the log; of what comes before it nothing is said
}

// turn is whether a log has been compared.
type turn uint8

const (
	unknown turn = iota
	later
	now
	over
)

// New makes one. It is closed by Finish or Abandon.
func New(held *Held, o Options) *Comparison {
	c := &Comparison{held: held, o: o, state: map[string]turn{}, recent: newRecent()}
	for _, log := range o.Logs {
		c.state[log.String()] = later
	}
	return c
}

// Write implements sink.Sink.
func (c *Comparison) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	err := c.batch(ctx, b)
	b.Release()
	done(err)
}

// Close implements sink.Sink. What the output holds more is looked for in Finish, once all of the log has come.
func (*Comparison) Close(context.Context) error { return nil }

func (c *Comparison) batch(ctx context.Context, b *sink.Batch) error {
	if err := c.turnTo(ctx, b.Log); err != nil {
		return err
	}
	for i := range b.Messages {
		m := &b.Messages[i]
		k := readback.Key{Epoch: b.Epoch, At: m.At, Command: m.Op < decode.OpGap, Part: m.Part}
		if err := c.expect(ctx, k, b.Data[m.Begin:m.End]); err != nil {
			return err
		}
	}
	return nil
}

// expect looks for an event of the log.
func (c *Comparison) expect(ctx context.Context, k readback.Key, message []byte) error {
	if err := c.openUpTo(ctx, k); err != nil {
		return err
	}
	found := c.last != nil && c.last.take(ctx, message)
	for i := 0; i < len(c.cursors) && !found; i++ {
		if found = c.cursors[i].take(ctx, message); found {
			c.last = c.cursors[i]
		}
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if !found {
		return c.settle(ctx, k, message)
	}
	c.Equal++
	c.recent.add(k, message, false)
	return nil
}

// settle finds out why no part has the event next.
func (c *Comparison) settle(ctx context.Context, k readback.Key, message []byte) error {
	for {
		next, err := c.least(ctx)
		if err != nil {
			return err
		}
		switch {
		case next == nil || next.key.Compare(k) > 0:
			c.missing(next, k)
			c.recent.add(k, message, true)
			return nil
		case next.key == k:
			err := c.same(next, k, message)
			c.recent.add(k, message, false)
			next.skip()
			return err
		}
		c.extra(next)
		next.skip()
	}
}

// least gives the part whose next event of the log is the first one; nil if there is none. What is no event of the log is passed over.
func (c *Comparison) least(ctx context.Context) (least *cursor, err error) {
	for _, next := range c.cursors {
		if err := c.own(ctx, next); err != nil {
			return nil, err
		}
		if next.head != nil && (least == nil || next.key.Compare(least.key) < 0) {
			least = next
		}
	}
	return least, nil
}

// own passes over what in a part is no event of the log that is compared.
func (c *Comparison) own(ctx context.Context, next *cursor) error {
	for next.load(ctx) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if c.judge(next) {
			return nil
		}
		next.skip()
	}
	return context.Cause(ctx)
}

// judge reports whether the next thing of a part is an event of the log and of the range.
func (c *Comparison) judge(next *cursor) bool {
	if next.look(c.held.Format) != nil {
		c.add(&Difference{Kind: Unreadable, Part: next.part.Name, Event: next.n, Text: next.err.Error()})
		return false
	}
	return !c.strange(next)
}

// strange reports whether the next event of a part is passed over: it is of another log, or outside of the range.
func (c *Comparison) strange(next *cursor) bool {
	log := next.fields.Log()
	if log == c.log.String() {
		r := c.o.Ranges[c.log]
		out := r.From != nil && next.key.At.Before(*r.From) || r.Until != nil && !next.key.At.Before(*r.Until)
		if out {
			c.Outside++
		}
		return out
	}
	state := c.state[log]
	switch {
	case state == later && c.held.Series == nil:
		next.passed++
	case next.again: // it was looked at before
	case state == unknown:
		c.found(next, Foreign, "the logs that are compared have no such DB")
	default:
		c.found(next, Disordered, fmt.Sprintf("it is among those of %s", c.log))
	}
	return true
}

// found notes that something is wrong with the next event of a part.
func (c *Comparison) found(next *cursor, kind Kind, text string) {
	c.add(c.differenceAt(next, kind, text))
}

func (*Comparison) differenceAt(next *cursor, kind Kind, text string) *Difference {
	return &Difference{Kind: kind, Log: next.fields.Log(), At: next.key.String(), Part: next.part.Name, Event: next.n, Text: text}
}

// missing notes that the output does not have an event, and what it has next.
func (c *Comparison) missing(next *cursor, k readback.Key) {
	text := fmt.Sprintf("the output ends before it; --until %s compares up to here", k.At)
	if next != nil {
		text = fmt.Sprintf("the next one is that at %s, event %d of %s", next.key, next.n, next.part.Name)
	}
	c.add(&Difference{Kind: Missing, Log: c.log.String(), At: k.String(), Text: text})
}

// same compares two events of one place.
func (c *Comparison) same(next *cursor, k readback.Key, message []byte) error {
	fields, err := c.held.Format.Fields(message)
	if err != nil {
		return fmt.Errorf("the event of the log at %s %s: %w", c.log, k, err)
	}
	text := readback.Difference(fields, next.fields)
	if text == "" { // written in another way
		c.Equal++
		return nil
	}
	c.found(next, Different, text)
	return nil
}

// extra judges an event of the output that is not the next one of the log.
func (c *Comparison) extra(next *cursor) {
	p := c.recent.find(next.key)
	switch {
	case p == nil && !c.recent.knows(next.key):
		c.found(next, Repeated, fmt.Sprintf("the log is %d events past it, too many to tell whether it has come before", mostRecent))
	case p == nil:
		c.found(next, Foreign, c.foreign(next.key))
	case p.missing:
		p.missing = false
		c.late(c.differenceAt(next, Disordered, "it comes after later ones"))
	case !c.recent.is(p, next.head):
		c.found(next, Repeated, "it comes again, and not as it was")
	case c.o.Repeats:
		c.Allowed++
	default:
		c.found(next, Repeated, "it comes again")
	}
}

// foreign says why the log has no event of a key.
func (c *Comparison) foreign(k readback.Key) string {
	switch {
	case len(c.recent.events) == 0:
		return "the log has no events, as they are selected"
	case k.Compare(c.begin) < 0:
		return fmt.Sprintf("it is before the first event of the log, at %s; --from %s compares from there on", c.begin, c.begin.At)
	case k.Compare(c.recent.at(len(c.recent.events)-1).key) > 0:
		return "it is after the last event of the log"
	}
	return "the log has no such event"
}

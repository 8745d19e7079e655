package compare

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"pikabin/decode"
	"pikabin/encode/readback"
)

// turnTo ends the comparison of one log, and begins that of another one.
func (c *Comparison) turnTo(ctx context.Context, log *decode.Log) error {
	if log == c.log {
		return nil
	}
	if err := c.endLog(ctx); err != nil {
		return err
	}
	c.log, c.begin = log, readback.Key{}
	c.state[log.String()] = now
	c.recent.reset()
	if c.held.Series != nil {
		series := c.held.Series(log)
		c.waiting = c.wanted(c.held.Parts[series])
		delete(c.held.Parts, series)
		return nil
	}
	return c.share(ctx)
}

// wanted leaves out the parts that end before the range begins.
func (c *Comparison) wanted(parts []Part) []Part {
	from := c.o.Ranges[c.log].From
	if from == nil {
		return parts
	}
	return slices.DeleteFunc(slices.Clone(parts), func(p Part) bool { return p.Ends != nil && !from.Before(*p.Ends) })
}

// share makes the parts that all logs share ready for the next log. What was passed over for its sake is read again.
func (c *Comparison) share(ctx context.Context) error {
	if c.cursors == nil {
		for _, p := range c.held.Parts[""] {
			if err := c.open(ctx, p, false); err != nil {
				return err
			}
		}
		delete(c.held.Parts, "")
		return nil
	}
	before := c.cursors
	c.cursors = nil
	for _, next := range before {
		if next.passed == 0 {
			c.cursors = append(c.cursors, next)
			continue
		}
		next.close()
		if err := c.open(ctx, next.part, true); err != nil {
			return err
		}
	}
	return nil
}

func (c *Comparison) open(ctx context.Context, p Part, again bool) error {
	messages, err := p.Open(ctx, c.log)
	if err != nil {
		return fmt.Errorf("reading %s: %w", p.Name, err)
	}
	c.cursors = append(c.cursors, &cursor{part: p, messages: messages, again: again})
	return nil
}

// openUpTo opens the parts that begin at an event or before it, and closes those that have ended.
func (c *Comparison) openUpTo(ctx context.Context, k readback.Key) error {
	if c.begin == (readback.Key{}) {
		c.begin = k
	}
	for len(c.waiting) > 0 && c.waiting[0].Begin.Compare(k) <= 0 {
		p := c.waiting[0]
		c.waiting = c.waiting[1:]
		c.closeEnded()
		if err := c.open(ctx, p, false); err != nil {
			return err
		}
	}
	return nil
}

// closeEnded closes the parts of one log that have ended.
func (c *Comparison) closeEnded() {
	c.last = nil
	c.cursors = slices.DeleteFunc(c.cursors, func(next *cursor) bool {
		over := next.ended && next.head == nil && next.err == nil
		if over {
			next.close()
		}
		return over
	})
}

// endLog looks for what the output holds more of a log.
func (c *Comparison) endLog(ctx context.Context) error {
	if c.log == nil {
		return nil
	}
	for len(c.waiting) > 0 {
		p := c.waiting[0]
		c.waiting = c.waiting[1:]
		if err := c.open(ctx, p, false); err != nil {
			return err
		}
		if err := c.drain(ctx, c.cursors[len(c.cursors)-1], false); err != nil {
			return err
		}
		c.closeEnded()
	}
	for _, next := range c.cursors {
		// A part that other logs share is read to its end only if it will be read again for them.
		if err := c.drain(ctx, next, c.held.Series == nil && !c.held.Mixed && next.passed == 0 && !c.isLast()); err != nil {
			return err
		}
	}
	if c.held.Series != nil {
		c.closeEnded()
	}
	c.state[c.log.String()] = over
	return nil
}

// isLast says whether no log comes after the one that is compared.
func (c *Comparison) isLast() bool {
	return !slices.Contains(slices.Collect(maps.Values(c.state)), later)
}

// drain reads a part to its end, or up to the first event of another log.
func (c *Comparison) drain(ctx context.Context, next *cursor, upToOther bool) error {
	for next.load(ctx) {
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if upToOther && next.look(c.held.Format) == nil && next.fields.Log() != c.log.String() {
			return nil
		}
		if c.judge(next) {
			c.extra(next)
		}
		next.skip()
	}
	return context.Cause(ctx)
}

// Finish looks for what the output holds more than the logs, once all of them was compared, and closes what was opened.
func (c *Comparison) Finish(ctx context.Context) error {
	defer c.Abandon()
	for _, log := range c.o.Logs {
		if c.state[log.String()] != later {
			continue
		}
		if err := c.turnTo(ctx, log); err != nil {
			return err
		}
	}
	if err := c.endLog(ctx); err != nil {
		return err
	}
	for _, series := range slices.Sorted(maps.Keys(c.held.Parts)) {
		for _, p := range c.held.Parts[series] {
			c.add(&Difference{Kind: Foreign, Part: p.Name, Text: "the logs that are compared have no such DB"})
		}
	}
	for _, path := range c.held.Others {
		c.add(&Difference{Kind: Foreign, Part: path, Text: "no run has given it this name, and who reads the folder reads it, too"})
	}
	return nil
}

// Abandon closes what was opened.
func (c *Comparison) Abandon() {
	for _, next := range c.cursors {
		next.close()
	}
	c.cursors = nil
}

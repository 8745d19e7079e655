// Package history tells people what happened to some keys: an output of a run that is filtered by these keys, which writes a line for
// each event, and one for each deadline that has passed between two of them.
package history

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	protobuf "google.golang.org/protobuf/proto"

	"pikabin/decode/units"
	"pikabin/encode/filter"
	"pikabin/encode/sink"
	"pikabin/proto"
)

// Format is the one whose messages the output takes.
const Format = "protobuf"

// Output is what a history is written to. Finish is called after the run.
type Output struct {
	Keys  []string
	Until time.Time // deadlines that pass later are not told
	Zone  *time.Location
	Whole bool // values are not shortened

	Lines     int64 // that were written
	Unrelated int64 // commands of unknown effect that may have changed a key, and do not name it

	w         *bufio.Writer
	deadlines map[place]deadline
	gone      map[place]bool // keys that are known not to be there
	named     map[place]bool // keys that an event has named
}

// place is a key of a log.
type place struct{ log, key string }

// deadline is when a key goes if nothing moves it.
type deadline struct {
	ms      int64
	derived bool // it is off by up to a second
}

// New makes one that writes to w.
func New(w io.Writer, keys []string) *Output {
	return &Output{Keys: keys, Zone: time.Local, Until: time.UnixMilli(math.MaxInt64), w: bufio.NewWriter(w), deadlines: map[place]deadline{}, gone: map[place]bool{}, named: map[place]bool{}}
}

var _ sink.Output = (*Output)(nil)

// Target implements sink.Output: no file is written.
func (*Output) Target() sink.Target { return sink.Target{} }

// Identity implements sink.Output.
func (*Output) Identity(context.Context, sink.Monitor) (string, error) { return "history", nil }

// Open implements sink.Output.
func (o *Output) Open(context.Context, sink.Env) (sink.Opened, error) {
	return sink.Opened{Sink: o, Traits: sink.Traits{Messages: true}}, nil
}

// Write implements sink.Sink.
func (o *Output) Write(_ context.Context, b *sink.Batch, done func(error)) {
	err := o.batch(b)
	b.Release()
	done(err)
}

// Close implements sink.Sink.
func (*Output) Close(context.Context) error { return nil }

func (o *Output) batch(b *sink.Batch) error {
	for i := range b.Messages {
		var c proto.Change
		if err := protobuf.Unmarshal(b.Data[b.Messages[i].Begin:b.Messages[i].End], &c); err != nil {
			return fmt.Errorf("reading an event of %v back: %w", b.Log, err)
		}
		o.event(b.Log.String(), &c)
	}
	return o.w.Flush()
}

func (o *Output) event(log string, c *proto.Change) {
	if !o.concerns(c) {
		o.Unrelated++
		return
	}
	if c.Ts != nil {
		o.pass(log, time.Unix(c.GetTs(), 0))
	}
	if c.GetOp() == proto.Op_OP_FLUSH && !o.maybeThere(log) {
		return
	}
	o.noteNames(log, c)
	o.line(time.Unix(c.GetTs(), 0), c.Ts != nil, log, fmt.Sprintf("%d:%d", c.GetSegment(), c.GetOffset()), c.GetCmd(), o.keyOf(c), o.told(c)+o.doubt(log, c))
	o.note(log, c)
}

// concerns tells whether an event is about one of the keys. The filter has kept what may be, too: of commands that pikabin does not know only those
// are shown that name a key, and of deletes by pattern those whose pattern a key matches.
func (o *Output) concerns(c *proto.Change) bool {
	switch {
	case c.Key != nil:
		return true
	case c.GetCmd() == "pkpatternmatchdel" && len(c.GetArgs()) > 0:
		return slices.ContainsFunc(o.Keys, func(key string) bool { return matches(string(c.GetArgs()[0]), key) })
	case c.GetOp() == proto.Op_OP_OTHER:
		return slices.ContainsFunc(c.GetArgs(), func(arg []byte) bool { return slices.Contains(o.Keys, string(arg)) })
	}
	return true
}

// maybeThere tells whether a flush of a log can have deleted a key.
func (o *Output) maybeThere(log string) bool {
	return slices.ContainsFunc(o.Keys, func(key string) bool { return !o.gone[place{log, key}] })
}

// noteNames keeps which keys an event names: as its own, or among its arguments.
func (o *Output) noteNames(log string, c *proto.Change) {
	if namesNone(c) {
		return
	}
	for _, key := range o.Keys {
		if string(c.GetKey()) == key || slices.ContainsFunc(c.GetArgs(), func(arg []byte) bool { return string(arg) == key }) {
			o.named[place{log, key}] = true
		}
	}
}

// namesNone tells of an event that deletes keys without naming them.
func namesNone(c *proto.Change) bool {
	return c.GetOp() == proto.Op_OP_FLUSH || c.GetOp() == proto.Op_OP_DELETE && c.Key == nil
}

// doubt says of a delete without names in a log in which no key was named yet why it is shown: the keys may be older than what was read.
func (o *Output) doubt(log string, c *proto.Change) string {
	if !namesNone(c) || slices.ContainsFunc(o.Keys, func(key string) bool { return o.named[place{log, key}] }) {
		return ""
	}
	if len(o.Keys) > 1 {
		return " (these keys, too, if they were there: no event before names one)"
	}
	return " (the key, too, if it was there: no event before names it)"
}

// Unnamed are the keys that no event has named.
func (o *Output) Unnamed() []string {
	return slices.DeleteFunc(slices.Clone(o.Keys), func(key string) bool {
		for at := range o.named {
			if at.key == key {
				return true
			}
		}
		return false
	})
}

// note keeps what an event tells of deadlines, and of keys that are not there.
func (o *Output) note(log string, c *proto.Change) {
	at := place{log, string(c.GetKey())}
	switch {
	case c.GetOp() == proto.Op_OP_FLUSH:
		o.noteFlush(log, c)
	case c.Key == nil:
	case c.GetOp() == proto.Op_OP_DELETE:
		o.gone[at] = c.GetEffect() == proto.Effect_EFFECT_EXACT
		delete(o.deadlines, at)
	default:
		o.gone[at] = false
		if c.ExpireAtMs != nil {
			o.deadlines[at] = deadline{c.GetExpireAtMs(), c.GetExpirePrecision() == proto.ExpirePrecision_EXPIRE_PRECISION_DERIVED}
		}
		if o.deadlines[at].ms == 0 {
			delete(o.deadlines, at)
		}
	}
}

// noteFlush forgets the deadlines of what is gone: after a flush of one type a key may be there as another one.
func (o *Output) noteFlush(log string, c *proto.Change) {
	if c.GetType() != proto.Type_TYPE_UNSPECIFIED {
		return
	}
	for at := range o.deadlines {
		if at.log == log || c.GetScope() != "" {
			delete(o.deadlines, at)
		}
	}
	for _, key := range o.Keys {
		o.gone[place{log, key}] = true
	}
}

// pass tells of the deadlines in a log that were over at a time, the first one first.
func (o *Output) pass(log string, now time.Time) {
	var over []place
	for at, d := range o.deadlines {
		if at.log == log && d.ms <= now.UnixMilli() {
			over = append(over, at)
		}
	}
	slices.SortFunc(over, func(a, b place) int { return cmp.Compare(o.deadlines[a].ms, o.deadlines[b].ms) })
	for _, at := range over {
		text := "its deadline passed"
		if o.deadlines[at].derived {
			text += ", give or take a second"
		}
		o.line(time.UnixMilli(o.deadlines[at].ms), true, log, "-", "-", o.quote([]byte(at.key)), text)
		delete(o.deadlines, at)
		o.gone[at] = true
	}
}

// Finish tells of the deadlines that have passed since the last event, up to Until.
func (o *Output) Finish() error {
	var logs []string
	for at := range o.deadlines {
		logs = append(logs, at.log)
	}
	slices.Sort(logs)
	for _, log := range slices.Compact(logs) {
		o.pass(log, o.Until)
	}
	if err := o.w.Flush(); err != nil {
		return &sink.Error{Err: err}
	}
	return nil
}

// line writes one; the error of a reader that has gone is that of the next flush. A key is named where there are several.
func (o *Output) line(at time.Time, hasTime bool, log, position, command, key, text string) {
	when := "-"
	if hasTime {
		when = o.clock(at)
	}
	if len(o.Keys) > 1 {
		text = fmt.Sprintf("%-16s  %s", key, text)
	}
	o.Lines++
	fmt.Fprintf(o.w, "%-25s  %-20s  %-12s  %s\n", when, log+" "+position, command, text)
}

func (o *Output) clock(at time.Time) string { return units.FormatTime(at.Unix(), o.Zone) }

// matches says whether a key is one of a pattern of Pika's.
func matches(pattern, key string) bool {
	f := filter.Filter{Keys: []string{pattern}, NamedOnly: true}
	m, err := f.Compile()
	return err == nil && m.Keep(changeOf(key))
}

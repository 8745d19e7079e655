package traffic

import (
	"cmp"
	"encoding/base64"
	"slices"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/decode/frequent"
)

// Summary is what has been reckoned. The field names of its JSON are stable. Times are unix seconds.
type Summary struct {
	Count
	Complete bool   `json:"complete"` // all that was asked for has been read
	First    *int64 `json:"first,omitempty"`
	Last     *int64 `json:"last,omitempty"`
	Untimed  Count  `json:"untimed"` // events whose time the log does not tell

	Step     int64  `json:"step"` // seconds; longer than asked for if there would be too many steps
	Timeline []Step `json:"timeline"`

	DBs      []Named `json:"dbs"`
	Commands []Named `json:"commands"`
	Types    []Named `json:"types"` // the name is empty for commands on keys of any type, or on no key
	Ops      []Named `json:"ops"`

	Delimiter string   `json:"delimiter"`
	Prefixes  Frequent `json:"prefixes"` // the text is empty for keys without a delimiter
	Keys      Frequent `json:"keys"`

	Values    []Event   `json:"values"` // the largest ones, of each key its largest
	Deadlines Deadlines `json:"deadlines"`
	Flushes   Flushes   `json:"flushes"`
}

// Step is a step of the timeline that has events.
type Step struct {
	TS int64 `json:"ts"` // at which it begins
	Count
}

// Named is a group of events.
type Named struct {
	Name string `json:"name"`
	Count
}

// Frequent is what comes most often.
type Frequent struct {
	// Under is by how much each count can be too low at most, because there were too many to count each; 0: all counts are exact.
	Under int64       `json:"under"`
	Top   []Frequency `json:"top"`
}

// Frequency is a key or a prefix. Text that is not UTF-8 is in base64.
type Frequency struct {
	DB   string `json:"db,omitempty"`
	Text string `json:"text"`
	B64  string `json:"text_b64,omitempty"`
	Count
}

// Event is one by itself.
type Event struct {
	DB      string `json:"db"`
	Segment uint32 `json:"segment"`
	Offset  int64  `json:"offset"`
	TS      *int64 `json:"ts,omitempty"`
	Cmd     string `json:"cmd"`
	Type    string `json:"type,omitempty"`
	Scope   string `json:"scope,omitempty"`
	Key     string `json:"key,omitempty"`
	KeyB64  string `json:"key_b64,omitempty"`
	Bytes   int64  `json:"bytes,omitempty"` // of the value
}

// Deadlines are how long keys were given to live.
type Deadlines struct {
	Given    int64  `json:"given"`
	Taken    int64  `json:"taken"`                 // events that leave a key without one, whether it had one or not
	Unknown  int64  `json:"unknown"`               // given by events whose time the log does not tell
	Shortest *int64 `json:"shortest_ms,omitempty"` // below zero: it had passed already
	Longest  *int64 `json:"longest_ms,omitempty"`
	Spans    []Span `json:"spans"`
}

// Span is a group of deadlines, by how long keys were given to live.
type Span struct {
	From   int64 `json:"from_ms,omitempty"`  // 0: no bound
	Below  int64 `json:"below_ms,omitempty"` // 0: no bound
	Events int64 `json:"events"`
}

// Flushes are the flushes, the last ones one by one.
type Flushes struct {
	Events int64   `json:"events"`
	Last   []Event `json:"last"`
}

// Summary puts together what has been reckoned up to now.
func (o *Output) Summary() *Summary {
	all := newTotals(&o.rules)
	for i := range o.lanes {
		l := &o.lanes[i]
		l.mu.Lock()
		all.merge(l.totals)
		l.mu.Unlock()
	}
	o.mu.Lock()
	logs := slices.Clone(o.names)
	o.mu.Unlock()
	return all.summary(logs)
}

func (t *totals) summary(logs []string) *Summary {
	s := &Summary{Count: t.all, Untimed: t.untimed, Step: t.time.step, Timeline: []Step{}, DBs: []Named{}, Commands: t.commands.list(), Delimiter: string(t.rules.delimiter)}
	if t.timed {
		s.First, s.Last = &t.first, &t.last
	}
	for _, second := range sortedKeys(t.time.counts) {
		s.Timeline = append(s.Timeline, Step{second, *t.time.counts[second]})
	}
	for i, c := range t.logs {
		s.DBs = append(s.DBs, Named{logs[i], c})
	}
	for i, c := range t.types {
		s.Types = append(s.Types, Named{decode.Type(i).String(), c})
	}
	for i, c := range t.ops {
		s.Ops = append(s.Ops, Named{decode.Op(i).String(), c})
	}
	s.DBs, s.Commands, s.Types, s.Ops = ordered(s.DBs), ordered(s.Commands), ordered(s.Types), ordered(s.Ops)
	s.Prefixes = frequencies(t.prefixes.all(), t.rules.top, func(text []byte) Frequency { return Frequency{Text: string(text)} })
	s.Keys = frequencies(&t.keys, t.rules.top, func(text []byte) Frequency {
		log, key := splitLogKey(text)
		return Frequency{DB: logs[log], Text: string(key)}
	})
	s.Values, s.Flushes = eventsOf(t.largest.list, logs), Flushes{t.flushes.count, eventsOf(t.flushes.list, logs)}
	s.Deadlines = t.spans.summary()
	return s
}

// ordered leaves out groups without events, and puts the largest first.
func ordered(list []Named) []Named {
	list = slices.DeleteFunc(list, func(n Named) bool { return n.Events == 0 })
	slices.SortFunc(list, func(a, b Named) int { return cmp.Or(cmp.Compare(b.Events, a.Events), cmp.Compare(a.Name, b.Name)) })
	return list
}

func frequencies(of *frequent.Items, top int, told func(text []byte) Frequency) Frequent {
	f := Frequent{Under: of.Under(), Top: []Frequency{}}
	for _, item := range of.Top(top) {
		one := told(item.Text)
		one.Text, one.B64 = textOrBytes(one.Text)
		one.Count = Count{item.Count, item.Bytes}
		f.Top = append(f.Top, one)
	}
	return f
}

func eventsOf(list []event, logs []string) []Event {
	events := []Event{}
	for i := range list {
		e := &list[i]
		one := Event{DB: logs[e.log], Segment: e.segment, Offset: e.offset, Cmd: e.command, Type: decode.Type(e.kind).String(), Bytes: e.size}
		if e.flags&hasTime != 0 {
			one.TS = &e.time
		}
		if e.flags&wholeInstance != 0 {
			one.Scope = "instance"
		}
		one.Key, one.KeyB64 = textOrBytes(string(e.key))
		events = append(events, one)
	}
	return events
}

func textOrBytes(s string) (text, b64 string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return "", base64.StdEncoding.EncodeToString([]byte(s))
}

func (s *spans) summary() Deadlines {
	d := Deadlines{Given: s.given, Taken: s.taken, Unknown: s.unknown, Spans: []Span{}}
	if s.given > s.unknown {
		d.Shortest, d.Longest = &s.shortest, &s.longest
	}
	for i, n := range s.counts {
		span := Span{Events: n}
		if i < len(bounds) {
			span.Below = bounds[i]
		}
		if i > 0 {
			span.From = bounds[i-1]
		}
		if n > 0 {
			d.Spans = append(d.Spans, span)
		}
	}
	return d
}

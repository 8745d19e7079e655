package binlogtest

import (
	"slices"

	"pikabin/decode"
)

// Kind says what a record holds.
type Kind uint8

// The kinds. A padding item is what PADDING or a full sync of 3.0.10 to 3.3.1 leaves. KindSpaces is the
// record that ends the blank filler of older versions. Filler has no payload: a type 6
// record, or a block of spaces without a header.
const (
	KindCommand Kind = iota
	KindRaw
	KindPadding
	KindSpaces
	KindFiller
)

// Want is what a reader should find: one record, with the values that its own bytes carry.
type Want struct {
	Kind        Kind
	Segment     uint32
	Offset, End int64           // of the first physical header, and after the last fragment
	Prev        decode.Position // the end of the record before it, or what the item header says in its place; zero for filler
	Fragments   int
	Time        int64      // of the first physical header; 0 in G0 and for a block of spaces
	ExecTime    uint32     // of the item header or of G2's third extra argument; 0 where there is none
	LogicID     uint64     // of the item header
	Origin      uint32     // server id or term
	Commands    [][][]byte // without G2's extra arguments; more than one for an MSET of G2 and 3.0.0 to 3.0.4
	Payload     []byte
}

// Argv is the first command of the record, nil if it has none.
func (r *Want) Argv() [][]byte {
	if len(r.Commands) == 0 {
		return nil
	}
	return r.Commands[0]
}

// Records are the records of all segments that are still there, in the order in which they were written.
func (w *Writer) Records() []Want {
	return slices.Clone(w.records)
}

// keep notes a record that ends where the current segment ends now.
func (w *Writer) keep(r Want, payload []byte) *Want {
	if w.opts.Discard {
		return nil
	}
	r.Segment, r.End, r.Payload = w.cur.number, int64(len(w.cur.data)), slices.Clone(payload)
	if w.opts.Generation == decode.G0 {
		r.Time = 0
	}
	w.records = append(w.records, r)
	return &w.records[len(w.records)-1]
}

// describe fills in what a record of commands says beside its place.
func (w *Writer) describe(want *Want, p *Put, h header) {
	want.Commands = make([][][]byte, len(p.Commands))
	for i, argv := range p.Commands {
		want.Commands[i] = bytesOf(argv)
	}
	if w.opts.Generation >= decode.G2 {
		want.ExecTime, want.LogicID, want.Prev, want.Origin = h.time, h.logicID, h.prev, h.origin
	}
}

// forget removes a segment and its records.
func (w *Writer) forget(number uint32) {
	delete(w.segments, number)
	w.records = slices.DeleteFunc(w.records, func(r Want) bool { return r.Segment == number })
}

func bytesOf(argv []string) [][]byte {
	list := make([][]byte, len(argv))
	for i, arg := range argv {
		list[i] = []byte(arg)
	}
	return list
}

// Package binlogtest writes segments and manifests as a Pika server of any generation would, and
// reads the real ones under testdata. It is test support that several packages and the generator of
// benchmark logs share; the program itself does not use it.
//
// A Writer follows Pika's producer step by step: rotation is decided before a record is appended
// (Binlog::Put), the item header names the producer's status before the put
// (PikaBinlogTransverter::BinlogEncode), and payloads are cut into fragments as in
// Binlog::Produce. Nothing in it is random and it takes no clock, so the same calls give the same bytes.
package binlogtest

import (
	"maps"
	"slices"

	"pikabin/decode"
)

// Options say what kind of log is written. The zero value is the log of a 4.0 master that was never
// part of a full sync.
type Options struct {
	Generation  decode.Generation // default G5
	SegmentSize int64             // binlog-file-size: a segment longer than that is followed by the next; default 100 MiB

	// Start is the master's position of a full sync that the log begins with, filled up in the style of
	// Filling; see FullSync.
	Start   decode.Position
	Filling Filling

	Origin  uint32 // server id of G2 and G3, default 1 as in pika.conf; term of G4 and G5
	Time    uint32 // the clock in unix seconds, until Advance; default 1700000000
	Discard bool   // keep no records, and reuse the memory of segments that were taken: for large logs
}

// Writer writes one log into memory. It is not safe for concurrent use.
type Writer struct {
	opts     Options
	segments map[uint32]*segment
	cur      *segment
	puts     uint64 // what the manifest calls the logic id

	// pos is the producer status after the last put: what the next item header says. It lags cur
	// from a rotation to the first put after it.
	pos decode.Position

	payload []byte // scratch
	spare   []byte // of the last segment taken, with Discard
	records []Want
}

type segment struct {
	number uint32
	data   []byte // up to the end of the last record
	tail   []byte // what the file has after that

	// untouched is set when the file was reopened and not yet written to: closing it cuts nothing off.
	untouched bool
}

// Defaults of Options.
const (
	DefaultSegmentSize = 100 << 20
	DefaultTime        = 1700000000
)

// NewWriter returns a writer of an empty log, or of one that begins with a full sync.
func NewWriter(opts Options) *Writer {
	opts = opts.withDefaults()
	w := &Writer{opts: opts, segments: map[uint32]*segment{}}
	w.create(0, 0)
	if opts.Start != (decode.Position{}) {
		w.FullSync(opts.Start)
	}
	return w
}

func (o Options) withDefaults() Options {
	if o.Generation == decode.GenerationUnknown {
		o.Generation = decode.G5
	}
	if o.SegmentSize == 0 {
		o.SegmentSize = DefaultSegmentSize
	}
	if o.Time == 0 {
		o.Time = DefaultTime
	}
	if o.Origin == 0 && (o.Generation == decode.G2 || o.Generation == decode.G3) {
		o.Origin = 1
	}
	return o
}

// Put is one record with all that may differ from what Command writes. The zero value of a field
// means what a master does at the writer's time.
type Put struct {
	Commands [][]string // several in one record: MSET of G2 and of Pika 3.0.0 to 3.0.4
	Time     uint32     // of the physical headers
	ExecTime uint32     // of the item header, or of G2's third extra argument
	Copied   *Copied    // what a replica takes over from its master, instead of its own values
	Status   Status     // form of G2's third extra argument
	Hub      string     // G2's fourth extra argument, default "1"; "0" on replicas, and for some commands
}

// Copied are the header values that replicas of G2 to G4 copy from their master's record.
type Copied struct {
	LogicID  uint64
	Position decode.Position
	Origin   uint32
}

// OnePerSegment is a log of segments that hold one record each, the same command in all.
func OnePerSegment(segments int, argv ...string) *Writer {
	w := NewWriter(Options{})
	for i := range segments {
		if i > 0 {
			w.Rotate()
		}
		w.Command(argv...)
	}
	return w
}

// Command appends a record with one command, as a master does.
func (w *Writer) Command(argv ...string) {
	w.Put(Put{Commands: [][]string{argv}})
}

// Commands appends a record that holds several commands.
func (w *Writer) Commands(argvs ...[]string) {
	w.Put(Put{Commands: argvs})
}

// Put appends one record, after a rotation if one is due.
func (w *Writer) Put(p Put) {
	w.rotateIfDue()
	h := w.header(&p)
	w.payload = w.appendPut(w.payload[:0], &p, h)
	if want := w.produce(KindCommand, p.Time); want != nil {
		w.describe(want, &p, h)
	}
}

// Record appends a record with any payload. Like every put it takes a logic id.
func (w *Writer) Record(payload []byte) {
	w.rotateIfDue()
	w.payload = append(w.payload[:0], payload...)
	w.produce(KindRaw, 0)
}

// Empty appends a record without payload, as 3.3.0 to 3.3.5 log a SETNX that did not set.
func (w *Writer) Empty() {
	w.Record(nil)
}

// Padding appends what PADDING with an argument of n bytes makes a server log: a padding item, which G5 wraps in an
// item of its own.
func (w *Writer) Padding(n int, p Put) {
	w.rotateIfDue()
	h := w.header(&p)
	if w.opts.Generation < decode.G5 {
		h = header{}
		w.payload = appendPaddingItem(w.payload[:0], n)
	} else {
		w.payload = appendItem(w.payload[:0], h, func(dst []byte) []byte { return appendPaddingItem(dst, n) })
	}
	if want := w.produce(KindPadding, p.Time); want != nil {
		want.ExecTime, want.LogicID, want.Prev, want.Origin = h.time, h.logicID, h.prev, h.origin
	}
}

// Fill appends a SET of such a size that left bytes remain in the block in which it ends, from 0 to half
// a block.
func (w *Writer) Fill(left int) {
	w.rotateIfDue()
	p := Put{Commands: [][]string{{"SET", "k", ""}}}
	shortest := len(w.appendPut(w.payload[:0], &p, w.header(&p)))
	header := w.headerSize()
	size := w.blockLeft() - header - left // of the payload, if it stays in this block
	if size < shortest {
		size = max(w.blockLeft()-header, 0) + decode.BlockSize - header - left
	}
	key, value := fillSizes(size - shortest)
	p.Commands[0][1], p.Commands[0][2] = stars(key), stars(value)
	w.Put(p)
}

// Raw appends bytes that are no record: damage, or the hole that a power failure leaves. The writer continues after them.
func (w *Writer) Raw(b []byte) {
	w.rotateIfDue()
	w.grow(append(w.cur.data, b...))
}

// Rotate continues with the next segment, which stays empty until the next put.
func (w *Writer) Rotate() {
	if !w.cur.untouched {
		w.cur.tail = nil
	}
	w.create(w.cur.number+1, len(w.cur.data))
}

// Restart is what a server does that is started again: it takes the manifest for what was written last. So the first record after a
// rotation that the server before it made does not name the end of the segment before.
func (w *Writer) Restart() {
	w.pos = w.Position()
}

// Advance moves the clock.
func (w *Writer) Advance(seconds int) {
	w.opts.Time += uint32(seconds)
}

// Position is where the next record will be put, as the manifest says it.
func (w *Writer) Position() decode.Position {
	if w.pos.Segment != w.cur.number {
		return decode.Position{Segment: w.cur.number}
	}
	return w.pos
}

// Segment is one file, write2file<Number>.
type Segment struct {
	Number uint32
	Bytes  []byte
}

// Segments are the files of the log, by number. The bytes may be the writer's own: to be read, not changed.
// The next put does not change them either.
func (w *Writer) Segments() []Segment {
	list := make([]Segment, 0, len(w.segments))
	for _, number := range slices.Sorted(maps.Keys(w.segments)) {
		list = append(list, w.segments[number].file())
	}
	return list
}

// Bytes is the content of one file, nil if there is none.
func (w *Writer) Bytes(number uint32) []byte {
	if s, ok := w.segments[number]; ok {
		return s.file().Bytes
	}
	return nil
}

// Take removes the finished segments, all below the one being written, and hands them over. With
// Discard their bytes are valid until the next rotation, and a log of any length needs the memory of two segments.
func (w *Writer) Take() []Segment {
	if len(w.segments) == 1 {
		return nil
	}
	var taken []Segment
	for _, s := range w.Segments() {
		if s.Number < w.cur.number {
			taken = append(taken, s)
			delete(w.segments, s.Number)
			w.spare = s.Bytes
		}
	}
	return taken
}

func (s *segment) file() Segment {
	if len(s.tail) == 0 {
		return Segment{Number: s.number, Bytes: s.data}
	}
	return Segment{Number: s.number, Bytes: slices.Concat(s.data, s.tail)}
}

// create makes an empty current segment, over whatever had its number.
func (w *Writer) create(number uint32, sizeHint int) {
	if _, ok := w.segments[number]; ok {
		w.forget(number)
	}
	w.cur = &segment{number: number, data: w.buffer(sizeHint)}
	w.segments[number] = w.cur
}

func (w *Writer) buffer(sizeHint int) []byte {
	if b := w.spare; w.opts.Discard && b != nil {
		w.spare = nil
		return b[:0]
	}
	if w.opts.Discard {
		sizeHint = int(w.opts.SegmentSize) + 1<<20
	}
	return make([]byte, 0, sizeHint)
}

func (w *Writer) rotateIfDue() {
	if int64(len(w.cur.data)) > w.opts.SegmentSize {
		w.Rotate()
	}
}

// produce cuts the payload in w.payload into fragments, moves the producer, and returns the record to
// be filled in, or nil with Discard.
func (w *Writer) produce(kind Kind, time uint32) *Want {
	if time == 0 {
		time = w.opts.Time
	}
	prev := w.pos
	data, first, fragments := appendFragments(w.cur.data, 0, w.headerSize(), time, w.payload)
	w.grow(data)
	w.puts++
	return w.keep(Want{Kind: kind, Offset: int64(first), Prev: prev, Fragments: fragments, Time: int64(time)}, w.payload)
}

// grow makes data, which is what was there and more, the current segment's, over the tail.
func (w *Writer) grow(data []byte) {
	n := len(data) - len(w.cur.data)
	w.pos = w.Position()
	w.pos.Offset += int64(n)
	w.cur.data = data
	w.cur.tail = w.cur.tail[min(n, len(w.cur.tail)):]
	w.cur.untouched = false
}

func (w *Writer) headerSize() int { return HeaderSize(w.opts.Generation) }

func (w *Writer) blockLeft() int {
	return decode.BlockSize - len(w.cur.data)%decode.BlockSize
}

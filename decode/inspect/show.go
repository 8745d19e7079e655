package inspect

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
)

// ShowOptions say which records Show writes, and how. The zero value is the first ten of the log.
type ShowOptions struct {
	From  decode.Position // the first record shown is the one that holds or follows it; zero: the start of the log
	Until decode.Position // records from here on are not shown; zero: no such bound
	Count int             // how many; 0: 10, or all when there is an Until

	Full bool // long arguments, long commands and long dumps are not cut
	Hex  bool // with the bytes of each record

	Decoder decode.DecoderOptions
	Zone    *time.Location // of the times; nil: the local one
}

const defaultShown = 10

// Show writes records for a person: where their fragments lie, what their headers say, the command, and the
// events it becomes. Damage is shown where it is, and what can be read after it too. The error is of the
// disk, of w or the context, or a position that the log does not have; never damage.
func Show(ctx context.Context, w io.Writer, log *binlog.Log, o ShowOptions) error {
	if o.Count == 0 {
		o.Count = defaultShown
		if o.Until != (decode.Position{}) {
			o.Count = math.MaxInt
		}
	}
	if o.Until == (decode.Position{}) {
		o.Until = decode.Position{Segment: math.MaxUint32, Offset: math.MaxInt64}
	}
	if o.From == (decode.Position{}) {
		o.From = log.Start()
	}
	if end := log.Committed(); end.Before(o.From) {
		return &decode.BeyondError{Log: log.ID(), Want: o.From, End: end}
	}
	s, err := newShower(w, log, &o)
	if err != nil {
		return err
	}
	plan := log.Chunks(decode.Position{Segment: o.From.Segment}, log.Committed(), binlog.PlanOptions{})
	err = s.segments(ctx, plan)
	return errors.Join(err, plan.Close(), s.out.Flush())
}

func newShower(w io.Writer, log *binlog.Log, o *ShowOptions) (*shower, error) {
	decoder, err := decode.NewDecoder(o.Decoder)
	if err != nil {
		return nil, err
	}
	// One that takes 2.3's extra arguments for arguments, so that they can be shown.
	whole, err := decode.NewDecoder(decode.DecoderOptions{Pika: decode.G1})
	return &shower{
		printer: printer{out: bufio.NewWriter(w), zone: cmp.Or(o.Zone, time.Local), full: o.Full, hex: o.Hex, log: log.ID()},
		o:       o, decoder: decoder, whole: whole, prev: -1,
	}, err
}

// shower walks through the segments.
type shower struct {
	printer
	o              *ShowOptions
	scanner        decode.Scanner
	decoder, whole *decode.Decoder
	rec            decode.Record
	change         decode.Change

	span  decode.Span // of the whole segment
	src   io.ReaderAt
	prev  int64 // end of the record before, -1 when that is not known
	shown int
	ended *decode.Position // end of the segment before, if that is known
	inBad bool             // what is wrong from the last record on has been shown
}

// errDone ends the walk when all that was asked for has been shown.
var errDone = errors.New("all that was asked for is shown")

// segments takes the segments of a plan one after another. Of each it needs the first chunk only, for the file
// and its bounds.
func (s *shower) segments(ctx context.Context, plan *binlog.Plan) error {
	seen := int64(-1)
	for {
		chunk, err := plan.Next(ctx)
		switch {
		case err == io.EOF: //nolint:errorlint // what wraps it is an error
			return nil
		case err != nil:
			return err
		case chunk.Missing != nil:
			s.printf("%v\n\n", chunk.Missing)
		case int64(chunk.Segment) > seen:
			seen = int64(chunk.Segment)
			err = s.segment(ctx, &chunk)
		}
		chunk.Release()
		if errors.Is(err, errDone) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// segment shows what is wanted of one segment.
func (s *shower) segment(ctx context.Context, c *decode.Chunk) error {
	s.ended = nil
	if s.prev >= 0 && s.span.Segment+1 == c.Segment {
		s.ended = &decode.Position{Segment: s.span.Segment, Offset: s.prev}
	}
	s.span, s.src, s.prev = c.Span, c.Blocks, -1
	s.span.Begin, s.span.End, s.span.Exact = 0, s.span.Limit, true
	from := int64(0)
	if s.span.Segment == s.o.From.Segment {
		from = s.o.From.Offset
	}
	if from > s.span.Limit {
		return &decode.BeyondError{
			Log: s.log, Want: s.o.From, End: decode.Position{Segment: s.span.Segment, Offset: s.span.Limit},
		}
	}
	pos, exact, err := s.before(ctx, from)
	for err == nil && pos < s.span.Limit {
		pos, exact, err = s.window(ctx, pos, exact, from)
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// window is how much is read at a time.
const window = 1 << 20

// before finds where to read from so as to meet the record that holds an offset: the start of its block, or of an
// earlier one when the record began there.
func (s *shower) before(ctx context.Context, offset int64) (pos int64, exact bool, err error) {
	block := offset &^ (decode.BlockSize - 1)
	for step := int64(decode.BlockSize); block > 0; step *= 2 {
		if err := context.Cause(ctx); err != nil {
			return 0, false, err
		}
		span := s.span
		span.Begin, span.End, span.Exact = block, min(offset+1, span.Limit), false
		s.scanner.Reset(s.src, span)
		if err := s.scanner.Next(&s.rec); err == nil && s.rec.Offset <= offset {
			return block, false, nil
		} else if err != nil && !errors.Is(err, io.EOF) && !folder.IsDamage(err) {
			return 0, false, err
		}
		block = max(block-step, 0)
	}
	return 0, true, nil
}

// window shows the records that begin in the window at pos and end after from, and gives where to go on.
func (s *shower) window(ctx context.Context, pos int64, exact bool, from int64) (next int64, nextExact bool, err error) {
	if err := context.Cause(ctx); err != nil {
		return 0, false, err
	}
	span := s.span
	span.Begin, span.Exact = pos, exact
	span.End = min(pos-pos%window+window, span.Limit)
	s.scanner.Reset(s.src, span)
	for {
		err := s.scanner.Next(&s.rec)
		if head := s.scanner.HeadError(); head != nil && !s.inBad && pos >= from {
			s.frameDamage(head, from)
		}
		switch {
		case err == nil:
			if err := s.record(from); err != nil {
				return 0, false, err
			}
			s.prev, s.inBad = s.rec.End, false
		case errors.Is(err, io.EOF) && s.scanner.Zeros():
			return 0, false, io.EOF
		case errors.Is(err, io.EOF):
			end := max(s.scanner.End(), span.End)
			return end, s.prev == end || s.scanner.HeaderEnd(s.prev) == end, nil
		case !folder.IsDamage(err):
			return 0, false, err
		default:
			s.frameDamage(err, from)
			if errors.Is(s.scanner.Resync(), io.EOF) {
				return span.End, false, nil
			}
		}
	}
}

// frameDamage shows where no record can be told from the bytes.
func (s *shower) frameDamage(err error, from int64) {
	at := offsetOf(err)
	s.prev, s.inBad = -1, true
	if at >= from {
		s.damage(err, s.src, at, s.span.Limit)
		s.printf("\n")
	}
}

// record shows the record last read, unless it lies before what is wanted.
func (s *shower) record(from int64) error {
	rec := &s.rec
	switch {
	case rec.End <= from:
		return nil
	case s.shown == s.o.Count, !(decode.Position{Segment: s.span.Segment, Offset: rec.Offset}).Before(s.o.Until):
		return errDone
	}
	s.shown++
	if rec.Offset < from {
		s.printf("%d:%d lies inside this record:\n", s.span.Segment, from)
	}
	frags, err := fragments(s.src, rec)
	if err != nil {
		return err
	}
	s.head(s.span.Segment, rec, frags)
	switch err := s.decoder.Decode(&s.span, rec); {
	case err == nil:
		s.entries()
	case folder.IsDamage(err):
		s.damage(err, s.src, offsetOf(err), rec.End)
	default:
		return err
	}
	if s.hex {
		if err := s.dump(s.src, rec, frags); err != nil {
			return err
		}
	}
	s.printf("\n")
	return nil
}

// entries shows the commands of the record and the events that they become.
func (s *shower) entries() {
	entries := s.decoder.Entries()
	extras := make([][][]byte, len(entries))
	if !s.rec.Filler && entries[0].Has&decode.HasLogicID == 0 && s.whole.Decode(&s.span, &s.rec) == nil {
		for i, e := range s.whole.Entries() {
			extras[i] = e.Argv[len(entries[i].Argv):]
		}
	}
	for i := range entries {
		s.entry(&entries[i], s.rec.Filler, s.expected())
		s.extra(&entries[i], extras[i], s.expected())
	}
	n := 0
	for ; s.decoder.Next(&s.change); n++ {
		if n < eventsShown || s.full {
			s.event(&s.change)
		}
	}
	if n > eventsShown && !s.full {
		s.row("...", "%s more", count(int64(n-eventsShown), "event"))
	}
}

// expected is the position that the record should name, if that is known.
func (s *shower) expected() *decode.Position {
	if s.prev < 0 {
		if s.rec.Offset == 0 {
			return s.ended
		}
		return nil
	}
	return &decode.Position{Segment: s.span.Segment, Offset: s.prev}
}

// fragment is one physical record.
type fragment struct {
	decode.Fragment
	offset int64 // of the header
}

// fragments reads the headers of a record's fragments once more. A block of spaces has none.
func fragments(src io.ReaderAt, rec *decode.Record) ([]fragment, error) {
	list := make([]fragment, 0, rec.Fragments)
	pos := rec.Offset
	for range rec.Fragments {
		var h [8]byte
		header := h[:rec.HeaderSize]
		if _, err := src.ReadAt(header, pos); err != nil {
			return nil, fmt.Errorf("reading the header at %d: %w", pos, err)
		}
		if rec.Filler && h == [8]byte{' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '} {
			return nil, nil
		}
		f := fragment{Fragment: decode.ParseFragment(header, rec.HeaderSize), offset: pos}
		list = append(list, f)
		pos += rec.HeaderSize + f.Length
	}
	return list, nil
}

// offsetOf is the first bad byte that an error names.
func offsetOf(err error) int64 {
	if corrupt, ok := errors.AsType[*decode.CorruptError](err); ok {
		return corrupt.Offset
	}
	return -1
}

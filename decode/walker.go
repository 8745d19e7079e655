package decode

import (
	"errors"
	"io"
)

// Walker reads the records of a span and takes them apart, and continues after damage. It says how they lie in the span, for
// a Chain, and which ranges between them are lost. Its buffers are kept from span to span. It belongs to one
// goroutine.
type Walker struct {
	Scanner Scanner  // Strict and Reserve are to be set; all else is the walker's
	Decoder *Decoder // it has taken Record apart

	// Skip continues after damage. Otherwise that is the end of the span.
	Skip bool

	// Lost is told of each range inside the span that is lost, before Next continues after it. What lies in
	// front of the span's first record, or reaches to its end, is left to the Chain, which sees both sides.
	Lost func(Lost)

	// Record is what Next has come to, valid until the next call.
	Record Record

	src     io.ReaderAt
	covered Coverage
	last    int64 // where the record begins that ends at covered.Last, -1 if that is the end of a range that is lost
	come    bool  // Next has come to Record, and has not been called again
	ended   bool
	damage  error // from the last record on, until the next one is found
	failure error
}

// Reset points the walker at a span. Nothing is read before Next.
func (w *Walker) Reset(src io.ReaderAt, span Span) {
	w.Scanner.Reset(src, span)
	w.Record, w.src = Record{}, src
	w.covered = Coverage{Span: span, First: -1, Last: -1}
	w.last, w.come, w.ended = -1, false, false
	w.damage, w.failure = nil, nil
}

// Next moves to the next record that is sound, and reports whether there is one. The one before counts as
// read from then on.
func (w *Walker) Next() bool {
	if w.come {
		w.last, w.covered.Last, w.come = w.Record.Offset, w.Record.End, false
	}
	for !w.ended {
		err := w.Scanner.Next(&w.Record)
		if err != nil {
			w.end(w.badFrame(err))
			continue
		}
		if w.damage != nil {
			w.found()
		}
		if err = w.Decoder.Decode(&w.covered.Span, &w.Record); err == nil {
			w.come = true
			return true
		}
		w.end(w.badContent(err))
	}
	return false
}

// Coverage says how the records lie in the span, as far as they have been read. The error is what ended that early and
// says nothing about the log: that of a read, or of Scanner.Reserve.
func (w *Walker) Coverage() (Coverage, error) {
	p := w.covered
	p.First, p.Zeros = w.Scanner.Begin(), w.Scanner.Zeros()
	p.HeadErr = earlier(w.Scanner.HeadError(), p.HeadErr)
	if p.Last < 0 {
		p.Last = p.First
	}
	return p, w.failure
}

// Fence takes the fingerprint of the place that Coverage gives as Last.
func (w *Walker) Fence() (Fence, error) {
	p, _ := w.Coverage()
	if p.Rebuilt {
		return NewContentFence(w.src, w.last, p.Last, p.Generation)
	}
	return NewFence(w.src, w.last, p.Last, p.Generation)
}

// end ends the walk, if there is an error: io.EOF, damage that reaches to the end of the span, or a failure.
func (w *Walker) end(err error) {
	_, corrupt := errors.AsType[*CorruptError](err)
	switch {
	case err == nil:
		return
	case corrupt:
		w.covered.Err = err
	case err != io.EOF: //nolint:errorlint // a failed read may wrap it
		w.failure = err
	}
	w.ended = true
}

// found closes a range of damage in front of the record last read, if it is not the span's first.
func (w *Walker) found() {
	if w.covered.Last >= 0 {
		w.lose(w.covered.Last, w.Record.Offset, w.damage)
	}
	w.damage = nil
}

// badFrame continues after a frame that makes no sense, where the next record has to be found. All that is wrong up
// to there is one damage. The error ends the walk.
func (w *Walker) badFrame(err error) error {
	corrupt, ok := errors.AsType[*CorruptError](err)
	switch {
	case !ok && err == io.EOF && w.damage != nil: //nolint:errorlint // a failed read may wrap it
		return w.damage
	case !ok:
		return err
	case w.damage == nil && w.torn(err, corrupt.Offset+w.Scanner.h-1): // at a header that is not whole
		return err
	case w.damage == nil:
		w.damage = err
	}
	if w.Scanner.Begin() < 0 {
		w.covered.HeadErr = w.damage
	}
	if !w.Skip {
		return w.damage
	}
	return orDamage(w.Scanner.Resync(), w.damage)
}

// badContent continues after a record whose frame looks good: it is one lost record, or its length is wrong too. The
// error ends the walk.
func (w *Walker) badContent(err error) error {
	corrupt, ok := errors.AsType[*CorruptError](err)
	if !ok || w.torn(err, w.Record.End) || !w.Skip {
		return err
	}
	if err := orDamage(w.Scanner.ResyncAt(corrupt.Offset), err); err != nil {
		return err
	}
	w.lose(w.Record.Offset, w.Scanner.End(), err)
	return nil
}

// orDamage is what to continue with after damage: nothing, when a record was found there; else the damage, which reaches
// to the end of the span, unless the search itself failed.
func orDamage(err, damage error) error {
	if err == io.EOF { //nolint:errorlint // a failed read may wrap it
		return damage
	}
	return err
}

// lose tells of a range that no record can be read from.
func (w *Walker) lose(from, to int64, err error) {
	w.last, w.covered.Last = -1, to
	if w.Lost != nil {
		w.Lost(Lost{Log: w.covered.Log, From: w.position(from), To: w.position(to), Err: err})
	}
}

func (w *Walker) position(offset int64) Position {
	return Position{Segment: w.covered.Segment, Offset: offset}
}

// torn recognises the record that a writer was at: the log is open, and the record is cut off by the end of the data, or
// there is nothing but zeros from an offset on. For a writer puts the header of a fragment there before the payload, so
// that the last record of an open log may be a header with zeros after it.
func (w *Walker) torn(err error, offset int64) bool {
	w.covered.Torn = w.covered.Open && (errors.Is(err, ErrTorn) || w.zerosFrom(offset))
	return w.covered.Torn
}

// zerosFrom reports whether there are only zeros from an offset on.
func (w *Walker) zerosFrom(offset int64) bool {
	at, _ := FirstNonZero(w.src, offset, w.covered.Limit) // what cannot be read is not there
	return at < 0
}

// earlier is that of two damages which comes first in the segment, b if both are at the same place; either may be nil.
func earlier(a, b error) error {
	first, ok := errors.AsType[*CorruptError](a)
	if !ok {
		return b
	}
	if second, ok := errors.AsType[*CorruptError](b); ok && second.Offset <= first.Offset {
		return b
	}
	return a
}

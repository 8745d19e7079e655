package inspect

import (
	"cmp"
	"context"
	"errors"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// walker reads the records of one chunk after another, and goes on behind damage. It belongs to one
// goroutine.
type walker struct {
	scanner decode.Scanner
	decoder *decode.Decoder
	rec     decode.Record
	framed  bool // rec is whole, though its content may be bad

	piece   decode.Piece
	lost    []decode.Lost // inside the piece
	failure error         // of the disk, or the end of the context: not of the log

	large   chan struct{} // held by the one walker that reads a large record
	holding bool
	record  func(*walker)
	broken  func()
	source  decode.Source
}

// largeRecord is the size from which records are read one at a time, so that the memory for them does
// not grow with the number of workers.
const largeRecord = 16 << 20

func newWalkers(n int, o *Options, strict bool) ([]*walker, error) {
	large := make(chan struct{}, 1)
	walkers := make([]*walker, n)
	for i := range walkers {
		d, err := decode.NewDecoder(o.Decoder)
		if err != nil {
			return nil, err
		}
		walkers[i] = &walker{decoder: d, large: large}
		walkers[i].scanner.Strict = strict
	}
	return walkers, nil
}

// walk reads all records that begin in a task's chunk.
func (w *walker) walk(ctx context.Context, t *task, record func(*walker), broken func()) {
	w.lost, w.record, w.broken, w.source = w.lost[:0], record, broken, t.source
	w.scanner.Reserve = func(size int64) error { return w.reserve(ctx, size) }
	w.scanner.Reset(t.source, t.span)
	w.piece.Last = -1
	err := w.records()
	switch {
	case errors.Is(err, io.EOF):
	case binlog.IsDamage(err):
		w.piece.Err = err
	default:
		w.failure = err
	}
	w.piece.First, w.piece.Zeros = w.scanner.Begin(), w.scanner.Zeros()
	w.piece.HeadErr = cmp.Or(w.piece.HeadErr, w.scanner.HeadError())
	if w.piece.Last < 0 {
		w.piece.Last = w.piece.First
	}
	if w.holding {
		<-w.large
		w.holding = false
	}
}

func (w *walker) reserve(ctx context.Context, size int64) error {
	if size < largeRecord || w.holding {
		return nil
	}
	select {
	case w.large <- struct{}{}:
		w.holding = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// records walks to the end of the chunk: io.EOF, or damage that reaches it.
func (w *walker) records() error {
	for {
		err := w.next()
		for err == nil {
			w.good()
			err = w.next()
		}
		if errors.Is(err, io.EOF) {
			return err
		}
		if err = w.recover(err); err != nil {
			return err
		}
	}
}

// next reads a record and takes it apart.
func (w *walker) next() error {
	w.framed = false
	if err := w.scanner.Next(&w.rec); err != nil {
		return err
	}
	w.framed = true
	return w.decoder.Decode(&w.piece.Span, &w.rec)
}

func (w *walker) good() {
	w.record(w)
	w.piece.Last = w.rec.End
}

// recover goes on behind damage. What is in front of the first record, or reaches to the end of the
// chunk, is left to the chain, which sees both sides.
func (w *walker) recover(err error) error {
	if !binlog.IsDamage(err) {
		return err
	}
	if w.piece.Open && w.tornAt(err) {
		w.piece.Torn = true
		return err
	}
	w.broken()
	if w.framed {
		return w.resynced(true, err, w.scanner.ResyncAt(offsetOf(err)))
	}
	begun := w.scanner.Begin() >= 0
	if !begun {
		w.piece.HeadErr = cmp.Or(w.piece.HeadErr, err)
	}
	return w.resynced(begun, err, w.scanner.Resync())
}

// resynced takes the place that was found behind damage for the end of it. Without one the damage goes on.
func (w *walker) resynced(begun bool, damage, err error) error {
	switch {
	case err == nil:
	case errors.Is(err, io.EOF) || binlog.IsDamage(err):
		return damage
	default:
		return err
	}
	if begun {
		from := w.piece.Last
		if from < 0 {
			from = w.scanner.Begin()
		}
		w.lose(from, w.scanner.End(), damage)
	}
	return nil
}

func (w *walker) lose(from, to int64, err error) {
	w.lost = append(w.lost, decode.Lost{Log: w.piece.Log, From: w.position(from), To: w.position(to), Err: err})
	w.piece.Last = to
}

func (w *walker) position(offset int64) decode.Position {
	return decode.Position{Segment: w.piece.Segment, Offset: offset}
}

// tornAt reports whether damage is what a writer was at: a record that goes on behind the end of the
// bytes, or a header with zeros in place of its payload.
func (w *walker) tornAt(err error) bool {
	if !w.framed {
		return errors.Is(err, decode.ErrTorn)
	}
	var header [8]byte
	n, _ := w.source.ReadAt(header[:], w.rec.End) // what cannot be read is not there
	return w.rec.End+int64(len(header)) > w.piece.Limit || n < len(header) || header == [8]byte{}
}

// offsetOf is the first bad byte that an error names.
func offsetOf(err error) int64 {
	if corrupt, ok := errors.AsType[*decode.CorruptError](err); ok {
		return corrupt.Offset
	}
	return -1
}

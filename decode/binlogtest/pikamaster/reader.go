package pikamaster

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// errUnreadable is a log that the server's own reader fails at.
var errUnreadable = errors.New("the reader of the server fails")

// reader is PikaBinlogReader: it reads records up to the position of the producer.
type reader struct {
	dir  string
	at   decode.Position
	file *os.File
	buf  []byte
	off  int64 // of buf
}

func openReader(dir string, at decode.Position) (*reader, error) {
	r := &reader{dir: dir, at: at}
	return r, r.open(at.Segment)
}

func (r *reader) open(segment uint32) error {
	file, err := os.Open(filepath.Join(r.dir, binlogtest.SegmentName(segment)))
	if err != nil {
		return err
	}
	r.close()
	r.file, r.buf, r.off = file, r.buf[:0], 0
	return nil
}

func (r *reader) close() {
	if r.file != nil {
		_ = r.file.Close()
		r.file = nil
	}
}

// readAhead is how much of a segment is read at once.
const readAhead = 1 << 20

// bytes are n of the segment from an offset on, fewer at its end. Nothing past end is looked at, which may still be written.
func (r *reader) bytes(at int64, n int64, end decode.Position) ([]byte, error) {
	if at < r.off || at+n > r.off+int64(len(r.buf)) {
		size := max(n, readAhead)
		if end.Segment == r.at.Segment {
			size = max(min(size, end.Offset-at), 0)
		}
		if int64(cap(r.buf)) < size {
			r.buf = make([]byte, size)
		}
		m, err := r.file.ReadAt(r.buf[:size], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		r.buf, r.off = r.buf[:m], at
	}
	from := at - r.off
	return r.buf[from:min(from+n, int64(len(r.buf)))], nil
}

// next gives the next record before end; ok is false at end. It moves to the next segment at what looks like the end of one.
func (r *reader) next(end decode.Position) (payload []byte, ok bool, err error) {
	for r.at.Before(end) {
		payload, ends, err := r.record(end)
		switch {
		case err != nil:
			return nil, false, err
		case !ends:
			return payload, true, nil
		case r.at.Segment >= end.Segment:
			return nil, false, fmt.Errorf("%w at %v", errUnreadable, r.at)
		}
		if err := r.open(r.at.Segment + 1); err != nil {
			return nil, false, err
		}
		r.at = decode.Position{Segment: r.at.Segment + 1}
	}
	return nil, false, nil
}

// record reads one record; ends says that there is none, as at the end of a segment.
func (r *reader) record(end decode.Position) (payload []byte, ends bool, err error) {
	at := r.at.Offset
	for first := true; ; first = false {
		if left := -at & (decode.BlockSize - 1); left > 0 && left < 8 {
			at += left
		}
		head, err := r.bytes(at, 8, end)
		if err != nil {
			return nil, false, err
		}
		if len(head) < 8 {
			return nil, true, nil
		}
		f := decode.ParseFragment(head, 8)
		if f.Kind == decode.FragmentZero || f.Length == 0 && f.Kind != decode.FragmentFirst {
			return nil, true, nil
		}
		starts := f.Kind == decode.FragmentFull || f.Kind == decode.FragmentFirst
		if f.Kind > decode.FragmentLast || first != starts {
			return nil, false, fmt.Errorf("%w at %d:%d", errUnreadable, r.at.Segment, at)
		}
		body, err := r.bytes(at+8, f.Length, end)
		if err != nil || int64(len(body)) < f.Length {
			return nil, false, errors.Join(errUnreadable, err)
		}
		payload = append(payload, body...)
		at += 8 + f.Length
		if f.Kind == decode.FragmentFull || f.Kind == decode.FragmentLast {
			r.at.Offset = at
			return payload, false, nil
		}
	}
}

// isBoundary walks through the block that an offset lies in, as a server does from 3.2.3 on.
func isBoundary(dir string, at decode.Position) (bool, error) {
	file, err := os.Open(filepath.Join(dir, binlogtest.SegmentName(at.Segment)))
	if err != nil {
		return false, err
	}
	defer file.Close()
	block := make([]byte, decode.BlockSize)
	begin := at.Offset - at.Offset%decode.BlockSize
	n, err := file.ReadAt(block, begin)
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	off := int64(0)
	for off < at.Offset-begin && off+8 <= int64(n) {
		off += 8 + decode.ParseFragment(block[off:], 8).Length
	}
	return off == at.Offset-begin, nil
}

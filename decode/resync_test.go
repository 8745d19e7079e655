package decode_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// salvage reads a damaged segment as those do who go on after damage.
type salvage struct {
	walker  decode.Walker
	records []decode.Record
	lost    []decode.Lost
	frames  decode.Scanner
	errors  int // of frames
}

func newSalvage(t *testing.T) *salvage {
	t.Helper()
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &salvage{walker: decode.Walker{Decoder: d, Skip: true}}
}

// read reads the whole of span in chunks of the given size.
func (s *salvage) read(b []byte, span decode.Span, size int64) {
	s.records, s.lost, s.errors = nil, nil, 0
	var chain decode.Chain
	lost := func(l decode.Lost) error {
		s.lost = append(s.lost, l)
		return nil
	}
	for begin := span.Begin; begin < span.End; begin += size {
		part := span
		part.Begin, part.End, part.Exact = begin, min(begin+size, span.End), begin == span.Begin
		inside, piece := s.chunk(b, part)
		_ = chain.Add(&piece, lost)
		s.lost = append(s.lost, inside...)
		s.countErrors(b, part)
	}
	_ = chain.Close(lost)
}

// chunk reads one chunk into s.records, and returns what was lost in it.
func (s *salvage) chunk(b []byte, span decode.Span) (lost []decode.Lost, piece decode.Coverage) {
	s.walker.Lost = func(l decode.Lost) { lost = append(lost, l) }
	s.walker.Reset(bytes.NewReader(b), span)
	for s.walker.Next() {
		rec := s.walker.Record
		rec.Payload = slices.Clone(rec.Payload)
		s.records = append(s.records, rec)
	}
	piece, _ = s.walker.Coverage()
	return lost, piece
}

// countErrors counts how often a scanner has to be told to go on.
func (s *salvage) countErrors(b []byte, span decode.Span) {
	var rec decode.Record
	s.frames.Reset(bytes.NewReader(b), span)
	for err := s.frames.Next(&rec); err != io.EOF; err = s.frames.Next(&rec) {
		if err != nil {
			s.errors++
			_ = s.frames.Resync()
		}
	}
}

// damage is a segment of which the bytes from lo to hi are not what was written.
type damage struct {
	name   string
	b      []byte
	lo, hi int64
	shift  int64 // how far what stood after hi has moved: only the positions in the items can tell
	claims int64 // where a header with a wrong length says that its record ends, by chance at another record
}

// verify compares what was salvaged with what was written.
func (s *salvage) verify(t *testing.T, d *damage, written []decode.Record) {
	t.Helper()
	out := map[int64]*decode.Record{}
	end := int64(0)
	for i := range s.records {
		r := &s.records[i]
		if r.Offset < end {
			t.Fatalf("%s: a record at %d, inside the one that ends at %d", d.name, r.Offset, end)
		}
		out[r.Offset], end = r, r.End
	}
	known, payloads := map[int64]bool{}, map[string]bool{}
	for i := range written {
		payloads[string(written[i].Payload)] = true
		w := written[i]
		hit := w.Offset < d.hi && w.End > d.lo
		if w.Offset >= d.hi {
			w.Offset, w.End = w.Offset+d.shift, w.End+d.shift
		}
		known[w.Offset] = true
		got := out[w.Offset]
		switch {
		case hit && got == nil && d.shift == 0 && !s.covers(&w) && !s.hasPayload(w.Payload):
			t.Fatalf("%s: record at %d to %d is gone without a word", d.name, w.Offset, w.End)
		case hit:
		case got == nil && w.End <= d.claims && s.covers(&w):
		case got == nil:
			t.Fatalf("%s: record at %d to %d is whole and was not found", d.name, w.Offset, w.End)
		case !sameRecord(&w, got):
			t.Fatalf("%s: record at %d to %d came out as %d to %d of %d bytes", d.name, w.Offset, w.End, got.Offset, got.End, len(got.Payload))
		}
	}
	for _, r := range s.records {
		moved := r.Offset >= d.lo && r.Offset < d.hi && payloads[string(r.Payload)]
		if !known[r.Offset] && !moved {
			t.Fatalf("%s: record at %d to %d was never written", d.name, r.Offset, r.End)
		}
	}
	s.verifyLost(t, d)
}

// verifyLost checks that lost ranges follow each other and hold no record.
func (s *salvage) verifyLost(t *testing.T, d *damage) {
	t.Helper()
	end := int64(0)
	for _, l := range s.lost {
		if l.From.Offset < end || l.To.Offset <= l.From.Offset {
			t.Fatalf("%s: lost %d to %d after %d", d.name, l.From.Offset, l.To.Offset, end)
		}
		end = l.To.Offset
		for _, r := range s.records {
			if r.Offset < l.To.Offset && r.End > l.From.Offset {
				t.Fatalf("%s: lost %d to %d with the record at %d to %d in it", d.name, l.From.Offset, l.To.Offset, r.Offset, r.End)
			}
		}
	}
	if most := 3*len(d.b)/block + 10; s.errors > most {
		t.Fatalf("%s: %d errors on the way", d.name, s.errors)
	}
}

func (s *salvage) covers(w *decode.Record) bool {
	return slices.ContainsFunc(s.lost, func(l decode.Lost) bool {
		return l.From.Offset < w.End && l.To.Offset > w.Offset
	})
}

// hasPayload reports whether a record came out with that payload, be it elsewhere.
func (s *salvage) hasPayload(payload []byte) bool {
	return slices.ContainsFunc(s.records, func(r decode.Record) bool { return bytes.Equal(r.Payload, payload) })
}

// nested writes a log whose values hold another log of the same generation.
func nested(g decode.Generation) *binlogtest.Writer {
	inner := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	for i := range 400 {
		inner.Command("SET", fmt.Sprintf("inner%d", i), strings.Repeat("i", i%251))
	}
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	for i := range 60 {
		w.Command("SET", fmt.Sprintf("outer%d", i), strings.Repeat("o", i*17))
	}
	log := string(inner.Bytes(0))
	w.Command("SET", "short", log[:5000])
	w.Command("SET", "long", log)
	w.Command("INCR", "k")
	w.Command("SET", "log", log+log+log)
	for i := range 300 {
		w.Command("HSET", "h", fmt.Sprintf("field%d", i), strings.Repeat("x", i%700))
	}
	w.Command("SET", "wide", strings.Repeat("w", 2*block))
	for i := range 40 {
		w.Command("SADD", "s", fmt.Sprintf("member%d", i))
	}
	return w
}

// damages makes a copy of b for each way to harm it.
func damages(b []byte, written []decode.Record, header int64) func(yield func(*damage) bool) {
	rng := rand.New(rand.NewPCG(1, 2))
	spoil := func(name string, lo, n int64, f func(b []byte)) *damage {
		lo = min(lo, int64(len(b))-1)
		hi := min(lo+n, int64(len(b)))
		d := &damage{name: fmt.Sprintf("%s at %d to %d", name, lo, hi), b: slices.Clone(b), lo: lo, hi: hi}
		f(d.b[lo:hi])
		return d
	}
	noise := func(b []byte) {
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
	}
	zero := func(b []byte) { clear(b) }
	flip := func(b []byte) { b[0] ^= 1 << rng.IntN(8) }
	return func(yield func(*damage) bool) {
		for i := 0; i < len(written); i += 97 {
			r := &written[i]
			for at := range header {
				if header == 8 && at > 2 && at < 7 {
					continue // the time may be any
				}
				for _, to := range []byte{0, 1, 2, 3, 4, 6, 255} {
					d := spoil(fmt.Sprintf("byte %d of a header is %d", at, to), r.Offset+at, 1, func(b []byte) { b[0] = to })
					if length := d.b[r.Offset:]; at < 3 {
						d.claims = r.Offset + header + int64(length[0]) + int64(length[1])<<8 + int64(length[2])<<16
					}
					if !bytes.Equal(d.b, b) && !yield(d) {
						return
					}
				}
			}
			if !yield(spoil("a header of zeros", r.Offset, header, zero)) || !yield(spoil("a flipped bit", r.Offset+rng.Int64N(r.End-r.Offset), 1, flip)) {
				return
			}
		}
		for n := int64(1); n < 4*block; n = n*3 + 1 {
			at := rng.Int64N(int64(len(b)))
			if !yield(spoil("zeros", at, n, zero)) || !yield(spoil("noise", at, n, noise)) {
				return
			}
		}
		last := int64(len(b))/block - 1
		for at := range last {
			swap := func(b []byte) {
				first := slices.Clone(b[:block])
				copy(b, b[block:])
				copy(b[block:], first)
			}
			if !yield(spoil("a block of noise", at*block, block, noise)) || !yield(spoil("swapped blocks", at*block, 2*block, swap)) {
				return
			}
			cut := &damage{name: fmt.Sprintf("block %d is missing", at), lo: at * block, hi: at*block + block, shift: -block}
			cut.b = slices.Concat(b[:cut.lo], b[cut.hi:])
			if !yield(cut) {
				return
			}
		}
	}
}

func TestDamage(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			w := nested(g)
			written := wanted(g, w.Records())
			s := newSalvage(t)
			for d := range damages(w.Bytes(0), written, headerSize(g)) {
				for _, blocks := range []int64{1, 3} {
					s.read(d.b, whole(g, d.b), blocks*block)
					s.verify(t, d, written)
				}
			}
		})
	}
}

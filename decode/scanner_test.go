package decode_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestErrors has one thing wrong in a block; the error names its first byte.
func TestErrors(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	second := w.Position().Offset
	w.Fill(5)
	trailer := w.Position().Offset
	w.Command("SET", "wide", strings.Repeat("w", 2*block))
	tests := map[string]struct {
		spoil  func(b []byte)
		offset int64
		want   error
		text   string
	}{
		"a type that is not there":              {func(b []byte) { b[second+7] = 9 }, second, decode.ErrBadType, "write2file0 at 69 (0x45): no such fragment type: 9"},
		"a length beyond the block":             {func(b []byte) { b[second+2] = 1 }, second, decode.ErrBadLength, "write2file0 at 69 (0x45): fragment runs past its block"},
		"a first fragment inside a block":       {func(b []byte) { b[second+7] = 2; b[second]-- }, second, decode.ErrBadLength, ""},
		"a middle fragment inside a block":      {func(b []byte) { b[second+7] = 3 }, second, decode.ErrBadSequence, ""},
		"a last fragment inside a block":        {func(b []byte) { b[second+7] = 4 }, second, decode.ErrBadSequence, ""},
		"a header of zeros":                     {func(b []byte) { clear(b[second : second+8]) }, second, decode.ErrZeros, ""},
		"a trailer that is not zero":            {func(b []byte) { b[trailer+4] = 1 }, trailer, decode.ErrBadTrailer, ""},
		"a middle fragment without a beginning": {func(b []byte) { b[block+7] = 3 }, block, decode.ErrBadSequence, ""},
		"a full record instead of the rest":     {func(b []byte) { b[2*block+7] = 1 }, 2 * block, decode.ErrBadSequence, ""},
		"zeros instead of the rest":             {func(b []byte) { clear(b[2*block:]) }, 2 * block, decode.ErrZeros, ""},
		"filler without stars":                  {func(b []byte) { b[second+7] = 6 }, second, decode.ErrBadType, ""},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			b := slices.Clone(w.Bytes(0))
			tt.spoil(b)
			_, err := scan(&decode.Scanner{Strict: true}, bytes.NewReader(b), whole(decode.G5, b))
			var damage *decode.CorruptError
			if !errors.As(err, &damage) || damage.Offset != tt.offset || !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v at %d", err, tt.want, tt.offset)
			}
			if tt.text != "" && err.Error() != tt.text {
				t.Errorf("error reads %q, want %q", err, tt.text)
			}
		})
	}
}

// failingSource is a disk of which a part cannot be read.
type failingSource struct {
	io.ReaderAt
	from, to int64
}

var errDisk = errors.New("input/output error")

func (f *failingSource) ReadAt(p []byte, off int64) (int, error) {
	if off < f.to && off+int64(len(p)) > f.from {
		n, _ := f.ReaderAt.ReadAt(p[:max(f.from-off, 0)], off)
		return n, errDisk
	}
	return f.ReaderAt.ReadAt(p, off)
}

func TestReadErrorIsNoDamage(t *testing.T) {
	w := mixed(decode.G5, true)
	b := slices.Clone(w.Bytes(0))
	b[7] = 9 // so that a search continues into what cannot be read
	for _, begin := range []int64{0, block, 20 * block} {
		src := &failingSource{bytes.NewReader(b), 21 * block, 22 * block}
		span := whole(decode.G5, b)
		span.Begin, span.Exact = begin, false
		var s decode.Scanner
		_, err := scan(&s, src, span)
		for damage := (*decode.CorruptError)(nil); errors.As(err, &damage); {
			if err = s.Resync(); err == nil {
				err = s.Next(new(decode.Record))
			}
		}
		if !errors.Is(err, errDisk) && err != io.EOF {
			t.Errorf("from %d: %v", begin, err)
		}
		if err == io.EOF {
			t.Errorf("from %d: the read error is gone", begin)
		}
	}
}

func TestFileShorterThanItsLimit(t *testing.T) {
	w := mixed(decode.G5, false)
	b := w.Bytes(0)
	all := wanted(decode.G5, w.Records())
	for _, n := range []int64{0, 5, 1000, block + 3, 3 * block} {
		span := whole(decode.G5, b)
		got, err := scan(new(decode.Scanner), bytes.NewReader(b[:n]), span)
		if !errors.Is(err, decode.ErrTorn) || errors.Is(err, io.EOF) {
			t.Errorf("%d bytes: %v", n, err)
		}
		compare(t, "what is there", endingBy(all, n), got)
	}
}

// TestTornAfterALongRecord has a span that begins with the end of a record and continues with half a record.
func TestTornAfterALongRecord(t *testing.T) {
	for _, whole := range []int{0, 5, 8, 40} {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command("SET", "wide", strings.Repeat("w", 2*block))
		end := w.Position().Offset
		w.Command("SET", "k", strings.Repeat("v", 100))
		limit := end + int64(whole)
		span := decode.Span{Begin: 2 * block, End: limit, Limit: limit, Open: true}
		var s decode.Scanner
		_, err := scan(&s, bytes.NewReader(w.Bytes(0)), span)
		if torn := errors.Is(err, decode.ErrTorn); torn != (whole > 0) || !torn && err != io.EOF || s.HeadError() != nil {
			t.Errorf("%d bytes of the second record: %v, head %v", whole, err, s.HeadError())
		}
	}
}

func TestResyncStaysInItsSpan(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for range 10 {
		w.Command("SET", "k", "v")
	}
	b := slices.Clone(w.Bytes(0))
	records := wanted(decode.G5, w.Records())
	b[records[2].Offset+7] = 9
	span := whole(decode.G5, b)
	span.End = records[3].Offset - 1
	var s decode.Scanner
	if _, err := scan(&s, bytes.NewReader(b), span); !errors.Is(err, decode.ErrBadType) {
		t.Fatal(err)
	}
	if err := s.Resync(); err != io.EOF || s.End() != records[1].End {
		t.Errorf("Resync: %v, end %d, want io.EOF and %d", err, s.End(), records[1].End)
	}
}

func TestReserveIsAskedForLongRecords(t *testing.T) {
	w := mixed(decode.G5, true)
	b := w.Bytes(0)
	var asked []int64
	s := decode.Scanner{Reserve: func(n int64) error {
		asked = append(asked, n)
		return nil
	}}
	list, err := scan(&s, bytes.NewReader(b), whole(decode.G5, b))
	if err != io.EOF {
		t.Fatal(err)
	}
	var want []int64
	for _, r := range list {
		if r.Fragments > 16 {
			want = append(want, int64(len(r.Payload)))
		}
	}
	if len(want) != 2 || !slices.Equal(want, asked) {
		t.Errorf("asked for %d, want %d", asked, want)
	}
	errFull := errors.New("no memory left")
	s.Reserve = func(int64) error { return errFull }
	if _, err := scan(&s, bytes.NewReader(b), whole(decode.G5, b)); err != errFull {
		t.Errorf("got %v, want the error of Reserve", err)
	}
}

// TestRecordAt finds each byte of payloads in the segment.
func TestRecordAt(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			w := mixed(g, false)
			b := w.Bytes(0)
			for _, r := range wanted(g, w.Records()) {
				for i := 0; i < len(r.Payload); i += 1 + i/100 {
					if at := r.At(i); b[at] != r.Payload[i] || at < r.Offset || at >= r.End {
						t.Fatalf("byte %d of the record at %d is not at %d", i, r.Offset, at)
					}
				}
			}
		})
	}
}

// TestPayloadIsOverwritten says why a payload must not be kept: the scanner uses the memory again.
func TestPayloadIsOverwritten(t *testing.T) {
	w := mixed(decode.G5, false)
	b := slices.Clone(w.Bytes(0))
	var s decode.Scanner
	s.Reset(bytes.NewReader(b), whole(decode.G5, b))
	var kept [][]byte
	var rec decode.Record
	for s.Next(&rec) == nil {
		kept = append(kept, rec.Payload)
	}
	poison := bytes.Repeat([]byte{0xdb}, len(b))
	s.Reset(bytes.NewReader(poison), decode.Span{End: int64(len(b)), Limit: int64(len(b)), Exact: true})
	_ = s.Next(&rec)
	if kept[0][0] != 0xdb || bytes.Contains(b, []byte{0xdb, 0xdb}) {
		t.Error("a payload outlives the next span")
	}
}

// chunkOf writes about a megabyte of records of a size, and gives the one span that holds them.
func chunkOf(size int) ([]byte, decode.Span) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for w.Position().Offset < 1<<20-int64(size) {
		w.Command("SET", "key", strings.Repeat("v", max(size-70, 1)))
	}
	b := w.Bytes(0)
	return b, whole(decode.G5, b)
}

// decodeInto does with a chunk what a worker does, but for encoding.
func decodeInto(s *decode.Scanner, d *decode.Decoder, src io.ReaderAt, span *decode.Span, rec *decode.Record, c *decode.Change) (changes int, err error) {
	s.Reset(src, *span)
	for {
		if err := s.Next(rec); err != nil {
			return changes, err
		}
		if d == nil {
			changes++
			continue
		}
		if err := d.Decode(span, rec); err != nil {
			return changes, err
		}
		for d.Next(c) {
			changes++
		}
	}
}

func TestNoAllocations(t *testing.T) {
	for name, size := range map[string]int{"small": 100, "fragmented": 100_000} {
		t.Run(name, func(t *testing.T) {
			b, span := chunkOf(size)
			src := bytes.NewReader(b)
			d, _ := decode.NewDecoder(decode.DecoderOptions{})
			var s decode.Scanner
			var rec decode.Record
			var c decode.Change
			run := func() {
				if n, err := decodeInto(&s, d, src, &span, &rec, &c); err != io.EOF || n == 0 {
					t.Fatal(n, err)
				}
			}
			run()
			if n := testing.AllocsPerRun(10, run); n != 0 {
				t.Errorf("%v allocations in a chunk", n)
			}
		})
	}
}

func benchmark(b *testing.B, d *decode.Decoder) {
	b.Helper()
	for _, bench := range []struct {
		name string
		size int
	}{{"100B", 100}, {"1kB", 1000}, {"100kB", 100_000}} {
		b.Run(bench.name, func(b *testing.B) {
			data, span := chunkOf(bench.size)
			src := bytes.NewReader(data)
			var s decode.Scanner
			var rec decode.Record
			var c decode.Change
			records := 0
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				n, err := decodeInto(&s, d, src, &span, &rec, &c)
				if err != io.EOF {
					b.Fatal(err)
				}
				records += n
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
		})
	}
}

func BenchmarkScanner(b *testing.B) { benchmark(b, nil) }

func BenchmarkDecoder(b *testing.B) {
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, d)
}

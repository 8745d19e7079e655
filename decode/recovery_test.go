package decode_test

import (
	"bytes"
	"cmp"
	"fmt"
	"hash/crc32"
	"io"
	"slices"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// taken is a record that came out of a damaged segment, or a range that was lost.
type taken struct {
	from, to int64
	sum      uint32 // of the payload
}

// recovery is what a reader that continues after damage makes of a whole segment.
type recovery struct {
	records []taken
	lost    []taken
	torn    bool
}

// spanReader reads one span after another, and puts them together as whoever joins the work of several does.
type spanReader struct {
	walker decode.Walker
	out    recovery
}

func newSpanReader(t *testing.T) *spanReader {
	t.Helper()
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return &spanReader{walker: decode.Walker{Decoder: d, Skip: true}}
}

// segment reads data in spans of so many blocks; base says what is known of the segment.
func (r *spanReader) segment(t *testing.T, data []byte, base decode.Span, blocks int) *recovery {
	t.Helper()
	r.out = recovery{}
	var chain decode.Chain
	r.walker.Lost = func(l decode.Lost) { r.out.lost = append(r.out.lost, taken{from: l.From.Offset, to: l.To.Offset}) }
	lost := func(l decode.Lost) error {
		r.walker.Lost(l)
		return nil
	}
	size := int64(blocks) * decode.BlockSize
	for begin := int64(0); begin == 0 || begin < base.Limit; begin += size {
		span := base
		span.Begin, span.End, span.Exact = begin, begin+size, begin == 0
		piece := r.read(t, bytes.NewReader(data), span)
		if err := chain.Add(&piece, lost); err != nil {
			t.Fatal(err)
		}
	}
	if err := chain.Close(lost); err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(r.out.lost, func(a, b taken) int { return cmp.Compare(a.from, b.from) })
	out := r.out
	return &out
}

func (r *spanReader) read(t *testing.T, src io.ReaderAt, span decode.Span) decode.Coverage {
	t.Helper()
	r.walker.Reset(src, span)
	for r.walker.Next() {
		rec := &r.walker.Record
		r.out.records = append(r.out.records, taken{rec.Offset, rec.End, crc32.ChecksumIEEE(rec.Payload)})
	}
	piece, err := r.walker.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	r.out.torn = r.out.torn || piece.Torn
	return piece
}

// damagedLog is a log with one range that is not as it was written.
type damagedLog struct {
	name     string
	g        decode.Generation
	records  []binlogtest.Want
	data     []byte
	from, to int64 // the range
	copies   bool  // the range holds records of other places
	span     decode.Span
}

func newDamagedLog(w *binlogtest.Writer, g decode.Generation, change func(b []byte)) *damagedLog {
	d := &damagedLog{g: g, records: w.Records()}
	before := w.Segments()[0].Bytes
	d.data = slices.Clone(before)
	change(d.data)
	d.from, d.to = differ(before, d.data)
	d.span = decode.Span{Log: &decode.Log{DB: "db0"}, Generation: g, Limit: int64(len(d.data)), Final: true}
	return d
}

// differ is the range in which a and b differ. Most is alike, which is passed over in steps.
func differ(a, b []byte) (from, to int64) {
	const step = 4096
	to = int64(len(a))
	for from+step <= to && bytes.Equal(a[from:from+step], b[from:from+step]) {
		from += step
	}
	for to-step >= from && bytes.Equal(a[to-step:to], b[to-step:to]) {
		to -= step
	}
	for from < to && a[from] == b[from] {
		from++
	}
	for to > from && a[to-1] == b[to-1] {
		to--
	}
	return from, to
}

// check reads the log in spans of several sizes, and wants of each what the damage leaves.
func (d *damagedLog) check(t *testing.T, r *spanReader) {
	t.Helper()
	if d.from == d.to {
		return
	}
	var first *recovery
	for _, blocks := range []int{1 << 20, 1, 2, 3, 16} {
		got := r.segment(t, d.data, d.span, blocks)
		if first == nil {
			first = got
			d.checkRecords(t, got)
			d.checkTiles(t, got)
			d.checkMissing(t, got)
		} else if diff := first.differs(got); diff != "" {
			t.Errorf("%s: spans of %d blocks: %s", d, blocks, diff)
		}
	}
}

func (d *damagedLog) String() string {
	return fmt.Sprintf("G%d %s [%d, %d)", d.g-decode.G0, d.name, d.from, d.to)
}

func (d *damagedLog) hit(from, to int64) bool { return from < d.to && d.from < to }

// checkRecords wants every record to be one that was written.
func (d *damagedLog) checkRecords(t *testing.T, got *recovery) {
	t.Helper()
	for _, r := range got.records {
		i, found := slices.BinarySearchFunc(d.records, r.to, func(w binlogtest.Want, at int64) int { return cmp.Compare(w.End, at) })
		switch {
		case d.hit(r.from, r.to) && (d.copies || i < len(d.records) && d.records[i].Offset <= r.from):
			// Its own bytes were hit, and still make a record.
		case !found || d.records[i].Offset != r.from || d.records[i].Kind != binlogtest.KindFiller && r.sum != crc32.ChecksumIEEE(d.records[i].Payload):
			t.Errorf("%s: invented: [%d, %d)", d, r.from, r.to)
		}
	}
}

// checkTiles wants the records and the ranges that were lost to follow each other from one end to the other.
func (d *damagedLog) checkTiles(t *testing.T, got *recovery) {
	t.Helper()
	all := slices.SortedFunc(slices.Values(slices.Concat(got.records, got.lost)), func(a, b taken) int { return cmp.Compare(a.from, b.from) })
	at := int64(0)
	for _, r := range all {
		if gap := r.from - at; gap != 0 && (gap < 0 || gap >= 8 || r.from%decode.BlockSize != 0) || r.to < r.from {
			t.Errorf("%s: [%d, %d) after what ends at %d", d, r.from, r.to, at)
		}
		at = r.to
	}
	if end := d.records[len(d.records)-1].End; at < end {
		t.Errorf("%s: what there is ends at %d, the log at %d", d, at, end)
	}
}

// checkMissing wants every record that the damage leaves whole. What may be missed is a record after damage
// in the block of its first header, if nothing in it says where it is or it continues in other blocks.
func (d *damagedLog) checkMissing(t *testing.T, got *recovery) {
	t.Helper()
	have := map[int64]bool{}
	for _, r := range got.records {
		have[r.from] = true
	}
	for _, w := range d.records {
		if have[w.Offset] || d.hit(w.Offset, w.End) {
			continue
		}
		past := d.to <= w.Offset && d.to > w.Offset&^(decode.BlockSize-1)
		if past && (d.g < decode.G2 || w.Fragments > 1 || w.Kind != binlogtest.KindCommand) {
			continue
		}
		t.Errorf("%s: the record at [%d, %d) is missing, of %d fragments", d, w.Offset, w.End, w.Fragments)
	}
}

// differs says what of another reading is not the same; lost ranges that touch count as one.
func (r *recovery) differs(o *recovery) string {
	switch {
	case !slices.Equal(r.records, o.records):
		return fmt.Sprintf("%d records, not %d", len(o.records), len(r.records))
	case !slices.Equal(merged(r.lost), merged(o.lost)):
		return fmt.Sprintf("lost %v, not %v", o.lost, r.lost)
	case r.torn != o.torn:
		return fmt.Sprintf("torn %v, not %v", o.torn, r.torn)
	}
	return ""
}

func merged(list []taken) []taken {
	var out []taken
	for _, l := range list {
		if n := len(out); n > 0 && l.from <= out[n-1].to {
			out[n-1].to = max(out[n-1].to, l.to)
		} else if l.to > l.from {
			out = append(out, l)
		}
	}
	return out
}

package decode_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// mixedLog is a log of some blocks with records of all shapes.
func mixedLog(g decode.Generation) *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	few := func(n int) {
		for i := range n {
			w.Command("SET", fmt.Sprintf("key:%d", i), strings.Repeat("v", 1+i*i%97))
		}
	}
	for _, left := range []int{0, 7, 8, 3} {
		few(20)
		w.Fill(left)
	}
	few(30)
	w.Command("SET", "long", strings.Repeat("long value ", 13000))
	few(30)
	w.Command("SET", "two blocks", strings.Repeat("x", 60000))
	few(10)
	if g >= decode.G3 {
		w.Padding(1000, binlogtest.Put{})
	}
	few(20)
	return w
}

// eachGeneration are the generations by name, for one subtest each.
func eachGeneration(yield func(name string, g decode.Generation) bool) {
	for g := decode.G0; g <= decode.G5; g++ {
		if !yield(fmt.Sprintf("G%d", g-decode.G0), g) {
			return
		}
	}
}

// TestDamagedHeaders sets each byte of headers of all kinds to other values.
func TestDamagedHeaders(t *testing.T) {
	for name, g := range eachGeneration {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := mixedLog(g), newSpanReader(t)
			whole := w.Segments()[0].Bytes
			var headers []int64
			for i, rec := range w.Records() {
				if i%29 == 0 || rec.Fragments > 1 {
					headers = append(headers, rec.Offset)
				}
				for at := (rec.Offset + decode.BlockSize) &^ (decode.BlockSize - 1); at < rec.End; at += decode.BlockSize {
					headers = append(headers, at)
				}
			}
			for _, at := range headers {
				for i := range int64(8) {
					for _, value := range []byte{0, 1, 2, 3, 4, 6, 0xff} {
						if whole[at+i] == value {
							continue
						}
						d := newDamagedLog(w, g, func(b []byte) { b[at+i] = value })
						d.name = fmt.Sprintf("byte %d of the header at %d set to %d", i, at, value)
						d.check(t, r)
					}
				}
			}
		})
	}
}

// TestDamagedRanges overwrites ranges of many sizes with zeros and with random bytes.
func TestDamagedRanges(t *testing.T) {
	for name, g := range eachGeneration {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := mixedLog(g), newSpanReader(t)
			size := len(w.Segments()[0].Bytes)
			rng := rand.New(rand.NewPCG(uint64(g), 1))
			for _, n := range []int{1, 2, 4, 8, 30, 100, 1000, 4096, 65536, 70000, 200000} {
				for range 6 {
					at := rng.IntN(size - n)
					d := newDamagedLog(w, g, func(b []byte) { clear(b[at : at+n]) })
					d.name = "zeros"
					d.check(t, r)
					d = newDamagedLog(w, g, func(b []byte) {
						for i := range b[at : at+n] {
							b[at+i] = byte(rng.Uint32())
						}
					})
					d.name = "random bytes"
					d.check(t, r)
				}
			}
		})
	}
}

// TestEveryBitFlip flips each bit of a short log, and one of each byte about the border of two blocks.
func TestEveryBitFlip(t *testing.T) {
	for name, g := range eachGeneration {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newSpanReader(t)
			for _, step := range []int{1, 9} {
				w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
				if step > 1 {
					w.Fill(500)
				}
				begin := int(w.Position().Offset)
				for i := range 12 {
					w.Command("SET", fmt.Sprintf("key:%d", i), strings.Repeat("v", 1+i*7%31))
				}
				for bit := begin * 8; bit < int(w.Position().Offset)*8; bit += step {
					d := newDamagedLog(w, g, func(b []byte) { b[bit/8] ^= 1 << (bit % 8) })
					d.name = fmt.Sprintf("bit %d of %#x", bit%8, bit/8)
					d.check(t, r)
				}
			}
		})
	}
}

// TestReplacedBlocks puts blocks of the log in the place of others.
func TestReplacedBlocks(t *testing.T) {
	const size = decode.BlockSize
	for name, g := range eachGeneration {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := mixedLog(g), newSpanReader(t)
			blocks := len(w.Segments()[0].Bytes) / size
			for a := range blocks {
				for b := range blocks {
					d := newDamagedLog(w, g, func(data []byte) { copy(data[a*size:(a+1)*size], data[b*size:(b+1)*size]) })
					d.name, d.copies = fmt.Sprintf("block %d in place of block %d", b, a), true
					d.check(t, r)
					d = newDamagedLog(w, g, func(data []byte) { copy(data[a*size+size/2:(a+1)*size], data[b*size:]) })
					d.name, d.copies = fmt.Sprintf("half of block %d in block %d", b, a), true
					d.check(t, r)
				}
			}
		})
	}
}

// TestTruncated cuts the log at many places: the records before the cut come out, and nothing else.
func TestTruncated(t *testing.T) {
	for name, g := range eachGeneration {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, r := mixedLog(g), newSpanReader(t)
			data, records := w.Segments()[0].Bytes, w.Records()
			for i := 0; i < len(records); i += 3 {
				rec := records[i]
				for _, cut := range []int64{rec.Offset, rec.Offset + 1, rec.Offset + 7, rec.Offset + 8, rec.Offset + 50, (rec.Offset + rec.End) / 2, rec.End - 1} {
					if cut >= rec.End {
						continue
					}
					for _, open := range []bool{false, true} {
						cutRecords(t, r, data, records[:i], decode.Span{Log: &decode.Log{}, Generation: g, Limit: cut, Open: open})
					}
				}
			}
		})
	}
}

// cutRecords wants the given records of a log that ends at the span's limit, and whatever else is there as lost, or as the
// torn end of an open log.
func cutRecords(t *testing.T, r *spanReader, data []byte, want []binlogtest.Want, span decode.Span) {
	t.Helper()
	end := int64(0)
	if len(want) > 0 {
		end = want[len(want)-1].End
	}
	var lost []taken
	half := slices.ContainsFunc(data[end:span.Limit], func(b byte) bool { return b != 0 })
	if half && !span.Open {
		lost = []taken{{from: end, to: span.Limit}}
	}
	for _, blocks := range []int{1 << 20, 1, 2, 3} {
		got := r.segment(t, data[:span.Limit], span, blocks)
		if len(got.records) != len(want) || !slices.Equal(merged(got.lost), lost) || got.torn != (half && span.Open) {
			t.Errorf("G%d cut at %d after %d, open %v, spans of %d blocks: %d records of %d, lost %v, torn %v",
				span.Generation-decode.G0, span.Limit, end, span.Open, blocks, len(got.records), len(want), got.lost, got.torn)
		}
	}
}

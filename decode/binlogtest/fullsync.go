package binlogtest

import (
	"bytes"

	"pikabin/decode"
)

// Filling is how a replica fills its segment up to the master's position after a full sync.
type Filling uint8

// The styles, by version. FillDefault is FillBlank for G0 to G2, FillItems for G3, and FillBad for G4 and G5.
const (
	FillDefault Filling = iota
	FillBlank           // 2.0.0 to 3.0.9 and 3.1.0: blocks of spaces, and a record of spaces
	FillItems           // 3.0.10 to 3.0.16 and 3.1.1 to 3.3.1: records with a padding item
	FillBad             // 3.3.2 and later: type 6 records of stars
)

// FullSync does to the log what a full sync at the master's position does
// (Binlog::SetProducerStatus): segments 0 and to.Segment go, others stay, and to.Segment is filled up.
// From G4 on the logic id starts again. In G3 the records that come are those of the master, with its logic ids, which are ahead.
func (w *Writer) FullSync(to decode.Position) {
	if to.Offset < 4 {
		to.Offset = 0
	}
	w.forget(0)
	w.create(to.Segment, int(to.Offset))
	w.puts = Resynced(w.opts.Generation, w.puts)
	w.pos = to
	if to.Offset < int64(w.headerSize()) {
		return // the manifest says to, the file is empty
	}
	switch w.filling() {
	case FillBlank:
		w.fillBlank(int(to.Offset))
	case FillItems:
		w.pos.Offset -= fillSteps(to.Offset, w.appendItemStep)
	default:
		w.pos.Offset -= fillSteps(to.Offset, w.appendBadStep)
	}
}

// Resynced is the count of puts after a full sync.
func Resynced(g decode.Generation, puts uint64) uint64 {
	switch {
	case g >= decode.G4:
		return 0
	case g == decode.G3:
		return puts + 2 + puts%3 // which the replica has missed
	}
	return puts
}

func (w *Writer) filling() Filling {
	switch {
	case w.opts.Filling != FillDefault:
		return w.opts.Filling
	case w.opts.Generation <= decode.G2:
		return FillBlank
	case w.opts.Generation == decode.G3:
		return FillItems
	}
	return FillBad
}

// fillBlank writes spaces. The file then ends short of the offset that the manifest names, if that lies within
// a header's size after the beginning of a block: so did Pika.
func (w *Writer) fillBlank(offset int) {
	block := bytes.Repeat([]byte{' '}, decode.BlockSize)
	pos := 0
	for ; pos+decode.BlockSize < offset; pos += decode.BlockSize {
		w.cur.data = append(w.cur.data, block...)
		w.keep(Want{Kind: KindFiller, Offset: int64(pos)}, nil)
	}
	payload := block[:max(offset%decode.BlockSize-w.headerSize(), 0)]
	w.cur.data, _, _ = appendFragments(w.cur.data, 0, w.headerSize(), w.opts.Time, payload)
	w.keep(Want{Kind: KindSpaces, Offset: int64(pos), Fragments: 1, Time: int64(w.opts.Time)}, payload)
}

// fillSteps fills block by block and returns how many bytes were too few for a last step.
func fillSteps(left int64, step func(size int) bool) int64 {
	for left > 0 {
		size := min(left, decode.BlockSize)
		if !step(int(size)) {
			break
		}
		left -= size
	}
	return left
}

func (w *Writer) appendItemStep(size int) bool {
	size -= w.headerSize()
	if size < minPaddingItem {
		return false
	}
	offset := len(w.cur.data)
	w.payload = appendPaddingItem(w.payload[:0], size-minPaddingItem)
	w.cur.data, _, _ = appendFragments(w.cur.data, 0, w.headerSize(), w.opts.Time, w.payload)
	w.keep(Want{Kind: KindPadding, Offset: int64(offset), Fragments: 1, Time: int64(w.opts.Time)}, w.payload)
	return true
}

func (w *Writer) appendBadStep(size int) bool {
	size -= w.headerSize()
	if size < 0 {
		return false
	}
	offset := len(w.cur.data)
	w.cur.data = appendHeader(w.cur.data, w.headerSize(), size, w.opts.Time, typeBad)
	w.cur.data = append(w.cur.data, stars(size)...)
	w.keep(Want{Kind: KindFiller, Offset: int64(offset), Fragments: 1, Time: int64(w.opts.Time)}, nil)
	return true
}

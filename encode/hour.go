package encode

import (
	"cmp"
	"time"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
)

const secondsPerHour = 3600

// cut is where a piece begins in the plain bytes.
type cut struct {
	at    int
	hour  int64
	last  int64 // unix seconds of the latest change
	begin decode.Position
}

// cutAt begins another piece at the end of the plain bytes, if the next change is of another hour than the one before. One without a
// time goes where that one did.
func (p *parcel) cutAt(unix int64, zone *time.Location, at decode.Position) {
	if n := len(p.cuts); n > 0 {
		c := &p.cuts[n-1]
		if unix == 0 || unix >= c.hour && unix < c.hour+secondsPerHour {
			c.last = max(c.last, unix)
			return
		}
	}
	p.cuts = append(p.cuts, cut{at: len(p.plain), hour: hourOf(unix, zone), last: unix, begin: at})
}

// cutPieces makes pieces of the plain bytes, each a frame of its own if they are compressed.
func (p *parcel) cutPieces(frames frame.Compressor) {
	p.packed = p.packed[:0]
	for i, c := range p.cuts {
		end := len(p.plain)
		if i+1 < len(p.cuts) {
			end = p.cuts[i+1].at
		}
		if frames != nil {
			p.packed = frames.AppendFrame(p.packed, p.plain[c.at:end])
			end = len(p.packed)
		}
		p.cuts[i].at = end // where the piece ends in Data
	}
	p.Data = p.plain
	if frames != nil {
		p.Data = p.packed
	}
	begin := 0
	for _, c := range p.cuts {
		p.Pieces = append(p.Pieces, sink.Piece{Hour: c.hour, Last: c.last, Begin: c.begin, Data: p.Data[begin:c.at]})
		begin = c.at
	}
}

// hourOf is the beginning of the hour that a time is in. Zones may be off by parts of an hour.
func hourOf(unix int64, zone *time.Location) int64 {
	if unix == 0 {
		return 0
	}
	_, offset := time.Unix(unix, 0).In(zone).Zone()
	local := unix + int64(offset)
	return cmp.Or(local-local%secondsPerHour-int64(offset), 1)
}

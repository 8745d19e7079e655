package encode

import (
	"cmp"
	"time"

	"pikabin/decode"
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

// pieceEnds are where the pieces of the plain bytes end; without cuts they are one.
func (p *parcel) pieceEnds() []int {
	p.ends = p.ends[:0]
	for i := 1; i < len(p.cuts); i++ {
		p.ends = append(p.ends, p.cuts[i].at)
	}
	p.ends = append(p.ends, len(p.plain))
	return p.ends
}

// cutPieces makes pieces of Data.
func (p *parcel) cutPieces(ends []int) {
	begin := 0
	for i, c := range p.cuts {
		p.Pieces = append(p.Pieces, sink.Piece{Hour: c.hour, Last: c.last, Begin: c.begin, Data: p.Data[begin:ends[i]]})
		begin = ends[i]
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

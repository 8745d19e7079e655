package encode

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"pikabin/decode"
)

// Roll says when a part of a folder is complete. A part is of one DB and one segment in any case.
type Roll struct {
	Size     int64          // bytes; 0: no bound
	Interval time.Duration  // since the first write; 0: no bound
	Hive     *time.Location // parts lie in folders by DB, day and hour of their events in this zone; nil: in one folder

	// Live says that the events are of now, so that the clock, too, tells when an hour is over, if none come that would.
	Live bool
}

// hourGrace is how long after its end an hour is over: so far events may be out of order, by the clocks of a server and its
// replicas. One that comes later goes into another part.
const hourGrace = 5 * time.Minute

// part is a file of a folder while it is written, and until consumers see it.
type part struct {
	*growing
	partNote
	began time.Time // the first write of this run
	wrote time.Time // the last one
}

// partNote is what the state holds of a part.
type partNote struct {
	Name  string     `json:"name"` // of the file when it is complete, in the folder
	Key   string     `json:"key"`  // whose part it is: the DB, and the partition
	Epoch uint32     `json:"epoch,omitempty"`
	At    uint32     `json:"segment"`
	Hour  int64      `json:"hour,omitempty"` // unix seconds, as in Piece
	End   extentNote `json:"end"`
}

// over reports whether the hour of the part is, when it is a time in unix seconds.
func (p *part) over(unix int64) bool {
	return p.Hour != 0 && unix >= p.Hour+secondsPerHour+int64(hourGrace/time.Second)
}

// old reports whether the part is to be completed now, whatever is written next.
func (r *Roll) old(p *part, now time.Time) bool {
	return r.Interval > 0 && now.Sub(p.began) >= r.Interval ||
		r.Live && p.over(now.Unix()) && now.Sub(p.wrote) >= hourGrace
}

// hidden is the name under which a part is written.
func hidden(name string) string {
	dir, base := filepath.Split(name)
	return dir + "." + base + partSuffix
}

const partSuffix = ".part"

// ours recognises the hidden names that this sink gives.
var ours = regexp.MustCompile(`^\..+-(e\d{4,}-)?\d{10}-\d{12}(~\d+)?\.[a-z.]+\.part$`)

// seen recognises the names of complete parts.
var seen = regexp.MustCompile(`^[^.].*-(e\d{4,}-)?\d{10}-\d{12}(~\d+)?\.[a-z.]+$`)

// partName is that of a part by its first position: text order is log order.
//
//	db0-0000000012-000000004096.jsonl.zst
//	db0-e0001-0000000012-000000004096.jsonl.zst     once the history has been replaced
//	db=db0/dt=2025-06-01/hr=12/db0-0000000012-000000004096.jsonl.zst
func partName(b *Batch, p *Piece, zone *time.Location, again int, ext string) string {
	db := strings.ReplaceAll(b.Log.String(), "/", "_")
	name := db
	if b.Epoch > 0 {
		name += fmt.Sprintf("-e%04d", b.Epoch)
	}
	name += fmt.Sprintf("-%010d-%012d", p.Begin.Segment, p.Begin.Offset)
	if again > 0 {
		name += fmt.Sprintf("~%d", again)
	}
	return filepath.Join(partitionDir(b.Log, p.Hour, zone), name+ext)
}

// noHour stands for events of which no time is known, as Hive names them.
const noHour = "__HIVE_DEFAULT_PARTITION__"

func partitionDir(log *decode.Log, unix int64, zone *time.Location) string {
	if zone == nil {
		return ""
	}
	day, hour := noHour, noHour
	if unix != 0 {
		t := time.Unix(unix, 0).In(zone)
		day, hour = t.Format(time.DateOnly), t.Format("15")
	}
	return filepath.Join("db="+log.DB, "dt="+day, "hr="+hour)
}

// partKey says whose the part of a log and an hour is.
func partKey(log *decode.Log, hour int64, zone *time.Location) string {
	return filepath.Join(log.String(), partitionDir(log, hour, zone))
}

// Piece is what of a batch goes into one partition.
type Piece struct {
	Hour  int64           // unix seconds of its beginning; 0 where it is not known
	Last  int64           // of the latest change
	Begin decode.Position // of the first record
	Data  []byte
}

// cut is where a piece begins in the plain bytes.
type cut struct {
	at    int
	hour  int64
	last  int64 // unix seconds of the latest change
	begin decode.Position
}

// cutAt begins another piece at the end of the plain bytes, if the next change is of another hour than the one before. One without a
// time goes where that one did.
func (b *Batch) cutAt(unix int64, zone *time.Location, at decode.Position) {
	if n := len(b.cuts); n > 0 {
		c := &b.cuts[n-1]
		if unix == 0 || unix >= c.hour && unix < c.hour+secondsPerHour {
			c.last = max(c.last, unix)
			return
		}
	}
	b.cuts = append(b.cuts, cut{at: len(b.plain), hour: hourOf(unix, zone), last: unix, begin: at})
}

// cutPieces makes pieces of the plain bytes, each a frame of its own if they are compressed.
func (b *Batch) cutPieces(frames compressor) {
	b.packed = b.packed[:0]
	for i, c := range b.cuts {
		end := len(b.plain)
		if i+1 < len(b.cuts) {
			end = b.cuts[i+1].at
		}
		if frames != nil {
			b.packed = frames.appendFrame(b.packed, b.plain[c.at:end])
			end = len(b.packed)
		}
		b.cuts[i].at = end // where the piece ends in Data
	}
	b.Data = b.plain
	if frames != nil {
		b.Data = b.packed
	}
	begin := 0
	for _, c := range b.cuts {
		b.Pieces = append(b.Pieces, Piece{Hour: c.hour, Last: c.last, Begin: c.begin, Data: b.Data[begin:c.at]})
		begin = c.at
	}
}

const secondsPerHour = 3600

// pieces are those of the batch, or all of it.
func (b *Batch) pieces() []Piece {
	if len(b.Pieces) > 0 {
		return b.Pieces
	}
	return []Piece{{Begin: b.Begin, Data: b.Data}}
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

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
}

// part is a file of a folder while it is written, and until consumers see it.
type part struct {
	*growing
	partNote
	began time.Time // the first write of this run
}

// partNote is what the state holds of a part.
type partNote struct {
	Name  string     `json:"name"` // of the file when it is complete, in the folder
	Key   string     `json:"key"`  // whose part it is: the DB, and the partition
	Epoch uint32     `json:"epoch,omitempty"`
	At    uint32     `json:"segment"`
	End   extentNote `json:"end"`
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
	return filepath.Join(partitionDir(b.Log, p, zone), name+ext)
}

// noHour stands for events of which no time is known, as Hive names them.
const noHour = "__HIVE_DEFAULT_PARTITION__"

func partitionDir(log *decode.Log, p *Piece, zone *time.Location) string {
	if zone == nil {
		return ""
	}
	day, hour := noHour, noHour
	if p.Hour != 0 {
		t := time.Unix(p.Hour, 0).In(zone)
		day, hour = t.Format(time.DateOnly), t.Format("15")
	}
	return filepath.Join("db="+log.DB, "dt="+day, "hr="+hour)
}

// Piece is what of a batch goes into one partition.
type Piece struct {
	Hour  int64           // unix seconds of its beginning; 0 where it is not known
	Begin decode.Position // of the first record
	Data  []byte
}

// cut is where a piece begins in the plain bytes.
type cut struct {
	at    int
	hour  int64
	begin decode.Position
}

// cutAt begins another piece at the end of the plain bytes, if the next change is of another hour than the one before. One without a
// time goes where that one did.
func (b *Batch) cutAt(unix int64, zone *time.Location, at decode.Position) {
	if n := len(b.cuts); n > 0 {
		if hour := b.cuts[n-1].hour; unix == 0 || unix >= hour && unix < hour+secondsPerHour {
			return
		}
	}
	b.cuts = append(b.cuts, cut{at: len(b.plain), hour: hourOf(unix, zone), begin: at})
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
		b.Pieces = append(b.Pieces, Piece{Hour: c.hour, Begin: c.begin, Data: b.Data[begin:c.at]})
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

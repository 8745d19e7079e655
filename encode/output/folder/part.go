package folder

import (
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
)

// hourGrace is how long after its end an hour is over: so far events may be out of order, by the clocks of a server and its
// replicas. One that comes later goes into another part.
const hourGrace = 5 * time.Minute

// part is a file of a folder while it is written, and until consumers see it.
type part struct {
	*disk.File
	partNote
	loose *frame.Gather // small batches, until they are a frame
	named bool          // its name is durable
	began time.Time     // the first write of this run
	wrote time.Time     // the last one
}

// partNote is what the state holds of a part.
type partNote struct {
	Name  string      `json:"name"` // of the file when it is complete, in the folder
	Key   string      `json:"key"`  // whose part it is: the DB, and the partition
	Epoch uint32      `json:"epoch,omitempty"`
	At    uint32      `json:"segment"`
	Hour  int64       `json:"hour,omitempty"` // unix seconds, as in sink.Piece
	End   disk.Extent `json:"end"`
}

// over reports whether the hour of the part is, when it is a time in unix seconds.
func (p *part) over(unix int64) bool {
	return p.Hour != 0 && unix >= p.Hour+secondsPerHour+int64(hourGrace/time.Second)
}

// old reports whether a part is to be completed now, whatever is written next.
func (f *folder) old(p *part) bool {
	now := f.now()
	return f.roll.Interval > 0 && now.Sub(p.began) >= f.roll.Interval ||
		f.roll.Live && p.over(now.Unix()) && now.Sub(p.wrote) >= hourGrace
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
func partName(b *sink.Batch, p *sink.Piece, zone *time.Location, again int, ext string) string {
	name := logName(b.Log)
	if b.Epoch > 0 {
		name += fmt.Sprintf("-e%04d", b.Epoch)
	}
	name += fmt.Sprintf("-%010d-%012d", p.Begin.Segment, p.Begin.Offset)
	if again > 0 {
		name += fmt.Sprintf("~%d", again)
	}
	return filepath.Join(partitionDir(b.Log, p.Hour, zone), name+ext)
}

// oddName is what of a DB's name would be taken for something else in the name of a part: for a slot or an epoch, for what hides a file, or for the
// sign that stands for it.
var oddName = regexp.MustCompile(`^\.|_\d+$|-e\d{4,}$|[%/\x00-\x1f\x7f]`)

// logName is the name of a log in that of a part. No two logs have the same: "db0_3" is slot 3 of db0, and the DB "db0_3" is "db0%5F3".
func logName(log *decode.Log) string {
	name := oddName.ReplaceAllStringFunc(log.DB, func(odd string) string { return fmt.Sprintf("%%%02X%s", odd[0], odd[1:]) })
	if !utf8.ValidString(name) { // which the state could not hold
		name = strings.ReplaceAll(url.PathEscape(name), "%25", "%")
	}
	if log.Slot >= 0 {
		name += fmt.Sprintf("_%d", log.Slot)
	}
	return name
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
	return filepath.Join("db="+logName(&decode.Log{DB: log.DB, Slot: -1}), "dt="+day, "hr="+hour)
}

// partKey says whose the part of a log and an hour is.
func partKey(log *decode.Log, hour int64, zone *time.Location) string {
	return filepath.Join(log.String(), partitionDir(log, hour, zone))
}

const secondsPerHour = 3600

// pieces are those of the batch, or all of it.
func pieces(b *sink.Batch) []sink.Piece {
	if len(b.Pieces) > 0 {
		return b.Pieces
	}
	return []sink.Piece{{Begin: b.Begin, Data: b.Data}}
}

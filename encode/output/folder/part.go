package folder

import (
	"cmp"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// hourGrace is how long after its end an hour is over: so far events may be out of order, by the clocks of a server and its
// replicas. One that comes later goes into another part.
const hourGrace = 5 * time.Minute

// part is a file of a folder while it is written, and until consumers see it.
type part struct {
	disk.Framed
	partNote
	fresh  bool        // the batch that was written last has begun it
	named  bool        // its name is durable
	staged bool        // it is complete and waits for the state to count it, where that is shared
	file   *sealedFile // that is made of it, once that has begun
	began  time.Time   // the first write of this run
	wrote  time.Time   // the last one
}

// partNote is what the state holds of a part.
type partNote struct {
	Name  string      `json:"name"` // of the file when it is complete, in the folder
	Key   string      `json:"key"`  // whose part it is: the DB, and the partition
	Epoch uint32      `json:"epoch,omitempty"`
	At    uint32      `json:"segment"`
	Hour  int64       `json:"hour,omitempty"` // unix seconds, as in sink.Piece
	End   disk.Extent `json:"end"`

	Term uint64 `json:"term,omitempty"` // of the run that has written it, as in sink.Env
	Host string `json:"host,omitempty"` // where that ran
}

// over reports whether the hour of the part is, when it is a time in unix seconds.
func (p *part) over(unix int64) bool {
	return p.Hour != 0 && unix >= overAt(p.Hour)
}

// old reports whether a part is to be completed now, whatever is written next.
func (f *folder) old(p *part) bool {
	now := f.now()
	return f.interval() > 0 && now.Sub(p.began) >= f.interval() ||
		f.env.Live && p.over(now.Unix()) && now.Sub(p.wrote) >= hourGrace
}

// noted is the note of the part as it is.
func (p *part) noted() partNote {
	n := p.partNote
	n.End = p.Extent()
	return n
}

// hidden is the name under which a part is written. No two hosts have the same.
func (p *partNote) hidden() string {
	dir, base := filepath.Split(p.Name)
	return dir + "." + base + p.suffix() + partSuffix
}

// suffix tells the terms of a shared state apart.
func (p *partNote) suffix() string {
	if p.Term == 0 {
		return ""
	}
	return fmt.Sprintf(".t%d", p.Term)
}

const partSuffix = ".part"

// hiddenPattern recognises the hidden names that this sink gives.
var hiddenPattern = regexp.MustCompile(`^\..+-(e\d{4,}-)?\d{10}-\d{12}(~\d+)?\.[a-z0-9.]+\.(part|sealed)$`)

// partPattern recognises the names of complete parts, and what is in them.
var partPattern = regexp.MustCompile(`^([^.].*?)-(?:e(\d{4,})-)?(\d{10})-(\d{12})(?:~(\d+))?(?:-c(\d{4,}))?(\.[a-z0-9.]+)$`)

// PartName is what the name of a part says.
type PartName struct {
	Series string          // what the parts of one log have in common, see Series
	Epoch  uint32          // as in checkpoint.Mark
	At     decode.Position // of the first record
	Again  int             // of parts that begin at one place, from 0
	Merged int             // how often it and others were merged into one, 0 for what a run has written
	Ext    string          // ".jsonl.zst"
}

// String is the name: text order is log order.
//
//	db0-0000000012-000000004096.jsonl.zst
//	db0-e0001-0000000012-000000004096.jsonl.zst     once the history has been replaced
//	db0-0000000012-000000004096~1.jsonl.zst         the second one that begins there
//	db0-0000000012-000000004096-c0001.jsonl.zst     merged of several
func (n *PartName) String() string {
	name := n.Series
	if n.Epoch > 0 {
		name += fmt.Sprintf("-e%04d", n.Epoch)
	}
	name += fmt.Sprintf("-%010d-%012d", n.At.Segment, n.At.Offset)
	if n.Again > 0 {
		name += fmt.Sprintf("~%d", n.Again)
	}
	if n.Merged > 0 {
		name += fmt.Sprintf("-c%04d", n.Merged)
	}
	return name + n.Ext
}

// Compare orders the names of parts of one log as the log does.
func (n *PartName) Compare(o *PartName) int {
	return cmp.Or(cmp.Compare(n.Epoch, o.Epoch), cmp.Compare(n.At.Segment, o.At.Segment), cmp.Compare(n.At.Offset, o.At.Offset), cmp.Compare(n.Again, o.Again))
}

// ParsePartName reads the name of a file, with or without folders. ok is false for what is no part.
func ParsePartName(name string) (n PartName, ok bool) {
	m := partPattern.FindStringSubmatch(filepath.Base(name))
	if m == nil {
		return n, false
	}
	n.Series, n.Ext = m[1], m[7]
	segment, errSegment := strconv.ParseUint(m[3], 10, 32)
	epoch, errEpoch := strconv.ParseUint(cmp.Or(m[2], "0"), 10, 32)
	again, errAgain := strconv.Atoi(cmp.Or(m[5], "0"))
	merged, errMerged := strconv.Atoi(cmp.Or(m[6], "0"))
	n.At.Segment, n.Epoch, n.Again, n.Merged = uint32(segment), uint32(epoch), again, merged
	n.At.Offset, _ = strconv.ParseInt(m[4], 10, 64) // twelve digits fit
	return n, cmp.Or(errSegment, errEpoch, errAgain, errMerged) == nil
}

// SeriesOf gives what the parts of one log have in common in their names, such as "db0". The name is that of a file, with or without folders. ok
// is false for what is no part.
func SeriesOf(name string) (series string, ok bool) {
	n, ok := ParsePartName(name)
	return n.Series, ok
}

// partName is that of a part by its first position, in the folder of its partition.
func partName(b *sink.Batch, p *sink.Piece, zone *time.Location, again int, ext string) string {
	n := PartName{Series: Series(b.Log), Epoch: b.Epoch, At: p.Begin, Again: again, Ext: ext}
	return filepath.Join(partitionDir(b.Log, p.Hour, zone), n.String())
}

// oddName is what of a DB's name would be taken for something else in the name of a part: for a slot or an epoch, for what hides a file, for the
// "=" after the name of a partition's column, or for the "%" before what stands for one of these.
var oddName = regexp.MustCompile(`^\.|_\d+$|-e\d{4,}$|[%/=\x00-\x1f\x7f]`)

// Series is the name of a log in that of a part. No two logs have the same: "db0_3" is slot 3 of db0, and the DB "db0_3" is "db0%5F3".
func Series(log *decode.Log) string {
	name := oddName.ReplaceAllStringFunc(log.DB, func(odd string) string { return fmt.Sprintf("%%%02X%s", odd[0], odd[1:]) })
	if !utf8.ValidString(name) { // which the state could not hold
		name = strings.ReplaceAll(url.PathEscape(name), "%25", "%")
	}
	if log.Slot >= 0 {
		name += fmt.Sprintf("_%d", log.Slot)
	}
	return name
}

// noHour is the hour of events whose time is not known, as Hive names them.
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
	return filepath.Join("db="+Series(&decode.Log{DB: log.DB, Slot: -1}), "dt="+day, "hr="+hour)
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

package folder

import (
	"path/filepath"
	"strconv"
	"strings"
	"unicode/utf8"

	"pikabin/decode"
)

const (
	deletingSuffix = "_deleting" // Pika 3.3 and later give a folder this name while they remove it
	flatDB         = "db0"       // the one DB of Pika up to 3.0, and of files that stand alone
)

// ParseSegmentName takes the number out of "write2file12", "write2file12.zst" or "write2file12.gz".
func ParseSegmentName(name string) (number uint32, c Compression, ok bool) {
	if rest, ok := strings.CutSuffix(name, ".zst"); ok {
		name, c = rest, Zstd
	} else if rest, ok := strings.CutSuffix(name, ".gz"); ok {
		name, c = rest, Gzip
	}
	number, ok = decode.SegmentNumber(name)
	return number, c, ok
}

// SegmentPath is the path of the plain segment with a number.
func SegmentPath(dir string, number uint32) string {
	return filepath.Join(dir, decode.SegmentPrefix+strconv.FormatUint(uint64(number), 10))
}

// ManifestPath is the path of a folder's manifest.
func ManifestPath(dir string) string { return filepath.Join(dir, decode.ManifestName) }

// DBPath is the folder of a log below a top folder, as in Pika's own log folder.
func DBPath(top string, id *decode.Log) string {
	dir := filepath.Join(top, decode.DBPrefix+id.DB)
	if id.Slot >= 0 {
		dir = filepath.Join(dir, strconv.Itoa(id.Slot))
	}
	return dir
}

// Matters tells the files and folders of a log from the text logs beside them.
func Matters(name string) bool {
	_, _, isSegment := ParseSegmentName(name)
	return isSegment || IsSlot(name) || name == decode.ManifestName || IsDB(name)
}

// IsDB recognises log_<db>, unless the server removes it.
func IsDB(name string) bool {
	return decode.IsDBName(name) && !strings.HasSuffix(name, deletingSuffix)
}

// IsSlot recognises the name of a slot's folder.
func IsSlot(name string) bool {
	_, ok := decode.SlotNumber(name)
	return ok
}

// Names tells which log is in which folder. It looks at each DB's folder once, since that may have a thousand slots.
type Names struct {
	slots map[string]int // how many a DB has, by its folder
}

// Identify tells DB and slot from a folder's path: log_db1, log_db0/3. Where a link of another name leads to such a
// folder, its target tells. A name that is no UTF-8 is a *NameError: no state and no format could carry it.
func (n *Names) Identify(dir string) (*decode.Log, error) {
	id, err := n.identifyLink(dir)
	if err == nil && !utf8.ValidString(id.DB) {
		return nil, &NameError{Dir: dir}
	}
	return id, err
}

func (n *Names) identifyLink(dir string) (*decode.Log, error) {
	if id, err := n.identify(dir); id != nil || err != nil {
		return id, err
	}
	if target, err := filepath.EvalSymlinks(dir); err == nil && target != dir {
		if id, err := n.identify(target); id != nil || err != nil {
			return id, err
		}
	}
	return &decode.Log{DB: flatDB, Slot: -1}, nil
}

// IsFlat reports whether a folder's name is none that Pika 3.1 and later give.
func IsFlat(dir string) bool {
	parent, name := filepath.Split(dir)
	return !IsDB(name) && (!IsSlot(name) || !IsDB(filepath.Base(parent)))
}

// identify gives nil for a folder whose name says nothing.
func (n *Names) identify(dir string) (*decode.Log, error) {
	if IsFlat(dir) {
		return nil, nil //nolint:nilnil // the name says nothing, and nothing is wrong
	}
	parent, name := filepath.Split(dir)
	slot, isSlot := decode.SlotNumber(name)
	if !isSlot {
		return &decode.Log{DB: name[len(decode.DBPrefix):], Slot: -1}, nil
	}
	slots, err := n.countSlots(parent)
	return &decode.Log{DB: filepath.Base(parent)[len(decode.DBPrefix):], Slot: slot, Slots: slots}, err
}

// countSlots is the number of slots of a DB when their folders are numbered 0 to n-1, else 0: some of them may be
// on another server, and which keys belong to which server cannot be told.
func (n *Names) countSlots(dir string) (int, error) {
	if count, ok := n.slots[dir]; ok {
		return count, nil
	}
	db, err := List(dir)
	if err != nil {
		return 0, err
	}
	count, highest := 0, -1
	for _, name := range db.Below {
		if slot, ok := decode.SlotNumber(name); ok {
			count++
			highest = max(highest, slot)
		}
	}
	if highest != count-1 {
		count = 0
	}
	if n.slots == nil {
		n.slots = map[string]int{}
	}
	n.slots[dir] = count
	return count, nil
}

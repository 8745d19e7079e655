//go:build unix

package process

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim"
)

// AllKeys stands for the key in the line of a FLUSHDB, whose value is empty.
const AllKeys = "*"

// Line is one line of a journal file: a committed record, or a break of the history of one DB.
//
//	db0 0 0 153 17 key:17 1c291ca3       db, segment, offset, end, number, key, CRC-32 (IEEE) of the value
//	db0 full-sync 0:153 7:4096           db, break, end of the old history, start of the new one
type Line struct {
	DB       string
	Segment  uint32
	Offset   int64
	End      int64
	Seq      uint64
	Key      string // or AllKeys
	Sum      uint32
	Break    pikasim.Break // "" for a record
	From, To decode.Position
}

// Append appends the text form with its newline.
func (l *Line) Append(dst []byte) []byte {
	dst = append(dst, l.DB...)
	if l.Break != "" {
		return fmt.Appendf(dst, " %s %v %v\n", l.Break, l.From, l.To)
	}
	dst = strconv.AppendUint(append(dst, ' '), uint64(l.Segment), 10)
	dst = strconv.AppendInt(append(dst, ' '), l.Offset, 10)
	dst = strconv.AppendInt(append(dst, ' '), l.End, 10)
	dst = strconv.AppendUint(append(dst, ' '), l.Seq, 10)
	dst = append(append(dst, ' '), l.Key...)
	dst = strconv.AppendUint(append(dst, ' '), uint64(l.Sum), 16)
	return append(dst, '\n')
}

// ParseLine reads the text form without its newline.
func ParseLine(text string) (Line, error) {
	var l Line
	f := strings.Fields(text)
	switch len(f) {
	case 4:
		from, errFrom := decode.ParsePosition(f[2])
		to, errTo := decode.ParsePosition(f[3])
		return Line{DB: f[0], Break: pikasim.Break(f[1]), From: from, To: to}, errors.Join(errFrom, errTo)
	case 7:
		_, err := fmt.Sscanf(text, "%s %d %d %d %d %s %x", &l.DB, &l.Segment, &l.Offset, &l.End, &l.Seq, &l.Key, &l.Sum)
		return l, err
	}
	return l, fmt.Errorf("%q is no line of a journal", text)
}

// committed says whether the last line of a journal was followed by the store that it announced. at is what the
// manifest of its DB says.
func (l *Line) committed(at decode.Position) bool {
	if l.Break != "" {
		return at == l.To || at != l.From
	}
	return !at.Before(decode.Position{Segment: l.Segment, Offset: l.End})
}

// ReadJournal reads the journal that a pikasim of that version wrote for a folder, be it alive or killed. A line is written
// right before the store that commits it, so that the last one may announce what never came: it is left out if the
// manifest does not say so. While the writer lives the answer is one of a moment ago.
func ReadJournal(journal, dir string, g decode.Generation) ([]Line, error) {
	text, err := readLines(journal)
	if err != nil {
		return nil, fmt.Errorf("reading the journal: %w", err)
	}
	var lines []Line
	for text := range bytes.Lines(text) {
		l, err := ParseLine(string(text))
		if err != nil {
			return nil, err
		}
		lines = append(lines, l)
	}
	if len(lines) == 0 {
		return nil, nil
	}
	last := &lines[len(lines)-1]
	at, err := manifestOf(dir, last.DB, g)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	// Without a manifest the start that will announce the loss is still to come.
	if err == nil && !last.committed(at) {
		lines = lines[:len(lines)-1]
	}
	return lines, nil
}

// readLines gives the whole lines of a journal, which may end in half a line or in zeros.
func readLines(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	return text[:bytes.LastIndexByte(text, '\n')+1], err
}

// manifestOf is what the manifest of a DB says, which is alone in a folder as up to 3.0, or has a folder of its own.
func manifestOf(dir, db string, g decode.Generation) (decode.Position, error) {
	own := filepath.Join(dir, "log_"+db)
	if _, err := os.Stat(filepath.Join(own, "manifest")); err == nil {
		dir = own
	}
	return pikasim.PositionIn(dir, g)
}

// journalChunk is by how much a journal file grows. After its last line there are zeros until a clean end.
const journalChunk = 4 << 20

// journalFile is a journal being written, through a shared mapping: what is in it outlives the process, and a line
// costs no system call.
type journalFile struct {
	file *os.File
	base int64
	mem  []byte
	used int
	next uint64 // number of the next record

	ends map[string]decode.Position // where each DB's last line ends
}

// openJournal opens a journal to continue, and repairs it first if its writer was killed.
func openJournal(path, dir string, g decode.Generation) (*journalFile, error) {
	var text []byte
	j := &journalFile{ends: map[string]decode.Position{}}
	lines, err := ReadJournal(path, dir, g)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, l := range lines {
		text = l.Append(text)
		j.ends[l.DB] = l.To
		if l.Break == "" {
			j.next = l.Seq + 1
			j.ends[l.DB] = decode.Position{Segment: l.Segment, Offset: l.End}
		}
	}
	if j.file, err = os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, fmt.Errorf("opening the journal: %w", err)
	}
	if err := j.file.Truncate(int64(len(text))); err != nil {
		return nil, fmt.Errorf("repairing the journal: %w", err)
	}
	page := int64(os.Getpagesize())
	j.base = int64(len(text)) / page * page
	j.used = int(int64(len(text)) - j.base)
	return j, j.remap()
}

func (j *journalFile) remap() error {
	if err := j.file.Truncate(j.base + journalChunk); err != nil {
		return fmt.Errorf("making the journal longer: %w", err)
	}
	mem, err := unix.Mmap(int(j.file.Fd()), j.base, journalChunk, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping the journal: %w", err)
	}
	j.mem = mem
	return nil
}

// write appends a line.
func (j *journalFile) write(line []byte) error {
	for {
		n := copy(j.mem[j.used:], line)
		j.used += n
		if line = line[n:]; len(line) == 0 {
			return nil
		}
		_ = unix.Munmap(j.mem)
		j.base += journalChunk
		j.used = 0
		if err := j.remap(); err != nil {
			return err
		}
	}
}

// close cuts the zeros off.
func (j *journalFile) close() error {
	_ = unix.Munmap(j.mem)
	return errors.Join(j.file.Truncate(j.base+int64(j.used)), j.file.Close())
}

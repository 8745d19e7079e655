package follow

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// memory is what is kept of the segment that was read last, to know it again.
type memory struct {
	before []byte          // the bytes before a position
	at     decode.Position // that position
	head   []byte          // the first bytes of the segment
}

// forget leaves nothing to compare with.
func (m *memory) forget() {
	m.before, m.head, m.at = m.before[:0], m.head[:0], decode.Position{}
}

// remember keeps the bytes before end, as far as they are in the segment that is held. How the segment begins it keeps as it was when
// the segment was entered: the bytes before end may be of another history already.
func (f *follower) remember() error {
	known := f.memory.at.Segment == f.end.Segment && len(f.memory.head) == maxHead
	f.memory.before, f.memory.at = f.memory.before[:0], f.end
	var err error
	if f.memory.before, err = f.readBefore(f.memory.before); err != nil || f.dir.Held() == nil || known {
		return err
	}
	n := min(f.end.Offset, maxHead)
	f.memory.head, err = f.dir.Held().ReadNow(slices.Grow(f.memory.head[:0], maxHead)[:n], 0)
	return err
}

// readBefore reads up to 4 KiB before end. Of a file that was cut meanwhile it is less: its size will tell.
func (f *follower) readBefore(buf []byte) ([]byte, error) {
	held := f.dir.Held()
	if held == nil || held.Segment().Number != f.end.Segment {
		return buf[:0], nil
	}
	n := min(f.end.Offset, maxBefore)
	buf = slices.Grow(buf[:0], maxBefore)[:n]
	return held.ReadNow(buf, f.end.Offset-n)
}

// standing is how the file at the path of the segment that was read last relates to what was read.
type standing struct {
	there bool   // a file is there
	other string // it is not the one that was read, and why
	size  int64  // of the one that is held, if it is gone; -1 if none is
}

// examine compares the file at the path with the one that is held: the identity, the size, and the bytes before end.
func (f *follower) examine() (standing, error) {
	held := f.dir.Held()
	if held != nil && held.Segment().Number != f.end.Segment {
		held = nil
	}
	info, err := os.Stat(f.segmentPath(f.end.Segment))
	s := standing{there: err == nil, size: -1}
	if errors.Is(err, fs.ErrNotExist) {
		if held == nil {
			return s, nil
		}
		info, err = held.Stat() // it may have been rewritten before it was unlinked
	}
	if err != nil {
		return s, err
	}
	s.size = info.Size()
	if held != nil && s.there && (f.stale || !held.IsAt(info)) {
		if same, err := f.reopen(); err != nil || same {
			return s, err
		}
	}
	switch {
	case held != nil && !held.IsAt(info):
		s.other = fmt.Sprintf("write2file%d is another file than the one that was read", f.end.Segment)
	case s.size < f.end.Offset:
		s.other = fmt.Sprintf("write2file%d has only %d bytes", f.end.Segment, s.size)
	case held != nil:
		s.other, err = f.compare()
	}
	return s, err
}

// reopen takes up the file at the path in place of the one that is held, if all that is remembered is in it: the log was moved to
// another disk, or a handle of a network file system is stale. So does a run that resumes from a state.
func (f *follower) reopen() (same bool, err error) {
	if f.memory.at != f.end || !tells(f.memory.before) {
		return false, nil
	}
	file, err := f.dir.OpenPath(folder.Segment{Number: f.end.Segment, Path: f.segmentPath(f.end.Segment)})
	if err != nil {
		return false, notThere(err)
	}
	held := f.dir.Swap(file)
	if other, err := f.compare(); err != nil || other != "" || file.Size() < f.end.Offset {
		f.dir.Swap(held)
		return false, errors.Join(err, file.Release())
	}
	f.evidence.Forget(f.end.Segment)
	f.stale = false
	_ = held.Release() // a stale handle may say so once more
	return true, nil
}

// tells reports whether bytes before a position hold more than the filler of a full sync, which is alike in all histories. No record is
// shorter than this.
func tells(before []byte) bool {
	const shortest = 20
	filler := bytes.Count(before, []byte(" ")) + bytes.Count(before, []byte("*"))
	return len(before)-filler >= shortest
}

// compare reads again what is remembered of the segment that is held. Long values end alike, so that the head is compared, too.
func (f *follower) compare() (string, error) {
	if f.memory.at != f.end {
		return "", nil
	}
	if other, err := f.compareBefore(); err != nil || other != "" {
		return other, err
	}
	return f.compareHead()
}

// compareBefore reads the bytes before end again.
func (f *follower) compareBefore() (string, error) {
	var buf [maxBefore]byte
	now, err := f.readBefore(buf[:0])
	if err != nil || bytes.Equal(now, f.memory.before) {
		return "", err
	}
	return fmt.Sprintf("the bytes before %v are others than were read", f.end), nil
}

// compareHead reads how the current segment begins once more.
func (f *follower) compareHead() (string, error) {
	if len(f.memory.head) == 0 || f.dir.Held() == nil || f.dir.Held().Segment().Number != f.end.Segment {
		return "", nil
	}
	var buf [maxHead]byte
	now, err := f.dir.Held().ReadNow(buf[:len(f.memory.head)], 0)
	if err != nil || bytes.Equal(now, f.memory.head) {
		return "", err
	}
	return fmt.Sprintf("write2file%d begins with other bytes than were read", f.end.Segment), nil
}

// unlinked reports whether a segment is held that has lost its name.
func (f *follower) unlinked(number uint32) bool {
	held := f.dir.Held()
	if held == nil || held.Segment().Number != number {
		return false
	}
	_, err := os.Stat(f.segmentPath(number))
	return errors.Is(err, fs.ErrNotExist)
}

// endsHeld reports whether a record ends at an offset of the segment that is held, as it must at a manifest's position.
func (f *follower) endsHeld(offset int64) (bool, error) {
	if f.dir.Held() == nil {
		return true, nil
	}
	return f.endsRecord(f.dir.Held().Segment(), offset)
}

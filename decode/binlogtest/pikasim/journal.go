//go:build unix

package pikasim

import (
	"cmp"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// Break is why the history of a log ends and another one begins; "" for a record.
type Break string

// The breaks.
const (
	BreakFullSync     Break = "full-sync"
	BreakTruncate     Break = "truncate"
	BreakLostManifest Break = "lost-manifest"
	// BreakTornManifest is a start after a kill between two stores of a rotation: 3.x then continues in the new segment at
	// the offset of the old one, 2.x at the beginning of the old one.
	BreakTornManifest Break = "torn-manifest"
)

// Entry is a committed record, or a break of the history.
type Entry struct {
	Record   binlogtest.Want // zero for a break
	Break    Break
	From, To decode.Position // of a break: the end of the old history, and the start of the new one
}

// Journal is what was committed so far, in order.
func (s *Server) Journal() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.journal)
}

// OnDisk are the records that a reader of the whole folder finds, by position: those of the journal that were neither
// purged nor replaced, and are not stale.
func (s *Server) OnDisk() []binlogtest.Want {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := slices.DeleteFunc(slices.Clone(s.onDisk), func(r binlogtest.Want) bool { return r.Segment > s.newest })
	slices.SortStableFunc(list, func(a, b binlogtest.Want) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Offset, b.Offset))
	})
	return list
}

func (s *Server) noteRecord(r *binlogtest.Want) {
	if s.opts.Discard && s.opts.OnCommit == nil {
		return
	}
	s.entry = Entry{Record: *r}
	s.note(&s.entry)
	if s.opts.Discard || s.segment.purged {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDisk = append(s.onDisk, *r)
}

// noteBreak forgets what the new history replaces.
func (s *Server) noteBreak(reason Break, to decode.Position) {
	s.forget(to)
	s.note(&Entry{Break: reason, From: s.clean, To: to})
}

func (s *Server) note(e *Entry) {
	if s.opts.OnCommit != nil {
		s.opts.OnCommit(e)
	}
	if s.opts.Discard {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.journal = append(s.journal, *e)
}

// forget takes the records of a segment that end after a position off the disk.
func (s *Server) forget(from decode.Position) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onDisk = slices.DeleteFunc(s.onDisk, func(r binlogtest.Want) bool {
		return r.Segment == from.Segment && r.End > from.Offset
	})
}

func (s *Server) setNewest(number uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.newest = number
}

func (s *Server) lastLogicID() uint64 {
	records := s.OnDisk()
	if len(records) == 0 {
		return 0
	}
	return records[len(records)-1].LogicID
}

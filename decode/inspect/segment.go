package inspect

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/units"
)

// maxDamages bounds how many damaged places of one segment are told one by one.
const maxDamages = 10000

// votes count the records that name the end of the record before them, and those that name another
// position. Replicas before 3.5.2 copy their master's positions, which may drift away from their own:
// where most records do so it is no damage.
type votes struct{ inChain, strays int64 }

func (v votes) drift() bool { return v.strays > v.inChain }

// fewVotes is the number of records below which a segment is too short to be judged by itself.
const fewVotes = 16

// segment collects what was found in one segment until it has been read: whether its positions drift is
// known only then.
type segment struct {
	log    *decode.Log
	number uint32

	findings []Finding
	dropped  int64 // damages beyond maxDamages
	torn     int   // index+1 of the finding that a record runs past the end of the data
	half     bool  // the log ends in half a record

	votes     votes
	misplaced []misplaced
	odd       [oddities]sighting
	tail      tail
}

func (s *segment) damage(f Finding) {
	if len(s.findings) >= maxDamages {
		s.dropped++
		return
	}
	s.findings = append(s.findings, f)
}

func (s *segment) note(offset int64, hint, format string, args ...any) {
	s.findings = append(s.findings, newFinding(Note, s.log, fmt.Sprintf(format, args...)).at(s.number, offset).hint(hint))
}

// add takes what a worker found in one chunk. end is where the records end, so far.
func (s *segment) add(p *checked, end int64) {
	for i := range p.lost {
		s.lost(&p.lost[i])
	}
	for _, offset := range p.flaws {
		s.damage(newFinding(Damage, s.log, errLeadingZero.Error()).at(s.number, offset))
	}
	s.votes.inChain += p.votes.inChain
	s.votes.strays += p.votes.strays
	for _, m := range p.misplaced {
		s.stray(m)
	}
	for i := range s.odd {
		s.odd[i].merge(&p.odd[i])
	}
	if p.filler {
		s.note(0, "what is before it belongs to another history", "the segment begins with what a full sync leaves")
	}
	if p.covered.Torn && !s.half {
		s.half = true
		s.note(end, "what was being written when the file was copied, or when the server stopped",
			"the log ends in half a record")
	}
	if !s.half {
		s.tail = p.tail
	}
}

// stray keeps a misplaced record, if they are not so many that they drift.
func (s *segment) stray(m misplaced) {
	if len(s.misplaced) < maxDamages {
		s.misplaced = append(s.misplaced, m)
	}
}

// lost reports a range that could not be read.
func (s *segment) lost(l *decode.Lost) {
	if l.Open {
		s.tail = tail{}
		s.note(l.From.Offset, "stale bytes, or what was being written; only a manifest could tell",
			"the log ends in %s that are no records", units.FormatSize(l.To.Offset-l.From.Offset))
		return
	}
	var corrupt *decode.CorruptError
	if !errors.As(l.Err, &corrupt) {
		corrupt = &decode.CorruptError{Offset: l.From.Offset, Err: l.Err}
	}
	f := newFinding(Damage, s.log, corrupt.Err.Error()).at(s.number, corrupt.Offset).hint(hintOf(l))
	if !onlyTrailer(l) {
		f.From, f.To = &l.From.Offset, &l.To.Offset
	}
	s.damage(f)
	if errors.Is(l.Err, decode.ErrTorn) {
		s.torn = len(s.findings)
	}
}

// onlyTrailer tells a block's trailer that is not zero from damage that begins in one and continues after it.
func onlyTrailer(l *decode.Lost) bool {
	return errors.Is(l.Err, decode.ErrBadTrailer) && l.To.Offset == (l.From.Offset|(decode.BlockSize-1))+1
}

func hintOf(l *decode.Lost) string {
	switch err := l.Err; {
	case onlyTrailer(l):
		return "nothing is lost: no version of Pika looks at these bytes"
	case errors.Is(err, decode.ErrZeros):
		return "a power failure leaves such holes, and so does a copy of a file that is being written"
	case errors.Is(err, decode.ErrTorn):
		return "the file was cut, or copied while it was written"
	}
	return "--on-corrupt=skip continues after it"
}

// cutShort reports a file that ends before its records do. The record that so became a torn one is part of it, where no other one was found after its
// beginning: with bytes missing in the middle of a file its last records are there.
func (s *segment) cutShort(cut *decode.CutShortError) {
	f := newFinding(Damage, s.log, fmt.Sprintf("the segment is cut short: it ends at %d%s", cut.From.Offset, causeOf(cut))).
		at(s.number, cut.From.Offset).hint("restore the file from a copy")
	if n := len(s.findings); s.torn == n && n > 0 && s.findings[n-1].To != nil && *s.findings[n-1].To == cut.From.Offset {
		f.From = s.findings[n-1].From
		s.findings = s.findings[:n-1]
	}
	if cut.To.Offset > 0 {
		f.From, f.To = cmp.Or(f.From, &cut.From.Offset), &cut.To.Offset
	}
	s.damage(f)
}

func causeOf(cut *decode.CutShortError) string {
	var archive *folder.ArchiveError
	switch {
	case errors.As(cut.Cause, &archive):
		return fmt.Sprintf(", where its archive is damaged: %v", archive.Err)
	case cut.Cause != nil:
		return fmt.Sprintf(", but %v", cut.Cause)
	}
	return ""
}

// gap takes the hole in front of the segment. A replica that begins with a full sync has nothing to miss.
func (s *segment) gap(hole *Finding, filler bool) {
	if hole == nil {
		return
	}
	if filler {
		hole.Severity, hole.Hint = Note, "the log continues with a full sync: it is a replica's older history that ends here"
	}
	s.findings = append(s.findings, *hole)
}

// finish gives the findings in the order of their places.
func (s *segment) finish(log votes) []Finding {
	s.judgePositions(log)
	s.noteOddities()
	if s.tail.size > 0 {
		s.findings = append(s.findings, tailNote(s.log, s.number, s.tail))
	}
	slices.SortStableFunc(s.findings, func(a, b Finding) int { return cmp.Compare(a.order(), b.order()) })
	if s.dropped > 0 {
		f := newFinding(Damage, s.log, count(s.dropped, "damaged place")+" more in this segment")
		f.Segment = &s.number
		s.findings = append(s.findings, f)
	}
	return s.findings
}

// judgePositions makes damage of the records that are out of the chain, or one note if most are.
func (s *segment) judgePositions(log votes) {
	if len(s.misplaced) == 0 {
		return
	}
	drift := s.votes.drift()
	if s.votes.inChain+s.votes.strays < fewVotes {
		drift = log.drift()
	}
	if drift {
		m := &s.misplaced[0]
		s.note(m.offset, "replicas before 3.5.2 copy their master's positions, which drift away from their own",
			"%s name another position than the end of the record before; the first names %v instead of %v",
			count(s.votes.strays, "record"), m.at, m.want)
		return
	}
	for i := range s.misplaced {
		m := &s.misplaced[i]
		f := newFinding(Damage, s.log, fmt.Sprintf("%v: it names %v, expected %v", decode.ErrBadChain, m.at, m.want))
		if m.count > 1 {
			f.What += fmt.Sprintf("; so do the %s after it", count(m.count-1, "record"))
		}
		s.damage(f.at(s.number, m.offset))
	}
}

// noteOddities reports what the segment's records have of each oddity, once.
func (s *segment) noteOddities() {
	for kind := range oddities {
		o := &s.odd[kind]
		if o.count == 0 {
			continue
		}
		what, hint := o.text(kind)
		if o.count > 1 {
			what += fmt.Sprintf("; %s more in this segment", units.FormatCount(o.count-1))
		}
		s.note(o.offset, hint, "%s", what)
	}
}

// text says what the first of an oddity is.
func (s *sighting) text(kind oddity) (what, hint string) {
	switch kind {
	case oddLogicID:
		return fmt.Sprintf("the logic id goes from %d to %d", s.was, s.is), "so it does at a full sync, a promotion, or a lost manifest"
	case oddOrigin:
		return fmt.Sprintf("the server id or term goes from %d to %d", s.was, s.is), "so it does at a promotion, or with two masters"
	case oddClock:
		return fmt.Sprintf("the time goes back by %s", time.Duration(s.was-s.is)*time.Second), "a clock was set"
	case oddTimes:
		return fmt.Sprintf("the time of the item is %s off that of the record", apart(s.was, s.is)), "a replica that lagged, or a clock that was set"
	default:
		return "the arguments of " + s.name + " make no sense", "it becomes an event of kind other"
	}
}

func apart(a, b uint64) time.Duration {
	return time.Duration(max(a, b)-min(a, b)) * time.Second
}

func tailNote(log *decode.Log, number uint32, t tail) Finding {
	if t.stale < 0 {
		return newFinding(Note, log, units.FormatSize(t.size)+" of zeros after the last record").at(number, t.begin).
			hint("space that the server had reserved")
	}
	return newFinding(Note, log, fmt.Sprintf("%s after the last record, not all zeros: the first byte is at %d", units.FormatSize(t.size), t.stale)).
		at(number, t.begin).hint("left by a server that was killed, and never part of the log")
}

// logNotes are what is odd about a log as a whole. That the manifest's position lies after its segment's end is
// left to the damage that it is.
func logNotes(l *binlog.Log) []Finding {
	var list []Finding
	for _, o := range l.Oddities() {
		if o.Kind != binlog.OddityManifestBeyond {
			list = append(list, newFinding(Note, l.ID(), o.Text))
		}
	}
	return list
}

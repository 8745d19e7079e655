package follow

import (
	"bytes"
	"errors"
	"fmt"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
)

// verdict is what is to be made of a manifest.
type verdict uint8

const (
	notYet       verdict = iota // it is not believed, or not yet
	upToDate                    // there is nothing to read until it changes
	more                        // there is something to read
	moreThenLook                // so there is, and the next look will tell what comes after it
	hole                        // something is missing before what there is to read
)

// look asks the manifest whether there is something to read.
//
// The server stores the fields of the manifest one after the other, and it may be stopped between two of the stores for as
// long as somebody likes. So a manifest that two reads agree on may be one that never was: what it says is held against the
// files, and where these do not bear it out there is nothing to do but to wait.
func (f *follower) look() (news bool, err error) {
	data, err := f.manifest.Read()
	if err != nil {
		return false, f.unread(err)
	}
	if f.manifest.settled && bytes.Equal(data, f.manifest.last[:]) {
		return false, nil
	}
	copy(f.manifest.last[:], data)
	m, ok, err := f.parse(data)
	if err != nil || !ok {
		return false, notThere(err)
	}
	if f.atRestNow = false; f.rest.pending {
		if f.atRestNow, err = f.atRest(); err != nil {
			return false, err
		}
	}
	v, err := f.judge(m)
	switch {
	case err != nil:
	case v == notYet:
		v, err = f.lookAtRest(m)
	case v == upToDate:
		f.rest.pending = false
	}
	f.manifest.settled = v == upToDate && err == nil
	return v == more || v == moreThenLook || v == hole, notThere(err)
}

// notThere passes over an error for something that has vanished: the next look will tell what it was.
func notThere(err error) error {
	if folder.Vanished(err) {
		return nil
	}
	return err
}

// parse reads the manifest's fields. Which layout it has is asked of the files until there is a record.
func (f *follower) parse(data []byte) (folder.Manifest, bool, error) {
	if !f.manifest.refresh && f.log.Generation() != decode.GenerationUnknown {
		m, err := folder.ParseManifest(data, f.log.View().Manifest.Layout)
		return m, err == nil, nil
	}
	if err := f.log.Refresh(); err != nil || f.log.View().ManifestErr != nil {
		f.manifest.refresh = true
		return folder.Manifest{}, false, err
	}
	f.manifest.refresh = false
	return f.log.View().Manifest, true, nil
}

// judge compares a manifest with the position.
func (f *follower) judge(m folder.Manifest) (verdict, error) {
	at := m.Position
	var v verdict
	var err error
	switch {
	case at == f.pos:
		v, err = upToDate, f.settle()
	case at.Segment == f.pos.Segment && f.pos.Offset > 0 && f.pos.Before(at):
		v, err = f.grown(m)
	case f.pos.Before(at):
		v, err = f.rolled(m)
	default:
		v, err = f.backward(m)
	}
	if err == nil && (v == upToDate || v == more) {
		f.manifest.good = f.manifest.last
		f.publish(m)
	}
	return v, err
}

// settle opens the segment at whose end the reading begins, so that it can be read on whatever becomes of its name.
func (f *follower) settle() error {
	if f.begun {
		return nil
	}
	if err := f.holdAt(f.pos.Segment); err != nil {
		return err
	}
	f.begun = true
	return nil
}

// holdAt opens a segment to hold it, if it is there.
func (f *follower) holdAt(number uint32) error {
	if err := f.dir.LetGo(); err != nil {
		return err
	}
	file, err := f.dir.OpenPlain(folder.Segment{Number: number, Path: f.segmentPath(number)})
	if err != nil {
		return notThere(err)
	}
	defer file.Close()
	return errors.Join(f.dir.Hold(file), f.remember())
}

// grown follows a manifest that has moved within the current segment.
func (f *follower) grown(m folder.Manifest) (verdict, error) {
	s, err := f.examine()
	switch {
	case err != nil:
		return notYet, err
	case s.other != "" && f.begun:
		return f.replaced(m, s.other)
	case s.size < 0 || s.size == 0, s.size < m.Position.Offset && f.begun:
		return notYet, nil
	case !s.there && f.begun:
		if ends, err := f.endsHeld(m.Position.Offset); err != nil || !ends {
			return notYet, err // the server writes into another file that has no name either
		}
	}
	if f.dir.Held() == nil || f.dir.Held().Segment().Number != f.pos.Segment {
		if err := f.holdAt(f.pos.Segment); err != nil || f.dir.Held() == nil {
			return notYet, err
		}
	}
	if !s.there && !f.removed {
		f.once(binlog.OddityUnlinked, f.segmentPath(f.pos.Segment), "write2file%d was unlinked while the server writes it (PURGELOGSTO of a short log does that): "+
			"reading on from the open file", f.pos.Segment)
	}
	if err := f.grow(m); err != nil {
		return notYet, err
	}
	return f.readTo(m, f.dir.Held().Segment())
}

func (f *follower) replacedIf(begins bool, err error, m folder.Manifest) (verdict, error) {
	if err != nil || !begins {
		return notYet, err
	}
	return f.replaced(m, fmt.Sprintf("another history begins at or before %v", m.Position))
}

// readTo plans the way to a manifest in the current segment, as far as records that are whole go.
//
// Two things can be wrong with a position that fits the file. After the filler of a full sync before Pika 3.0.10 the
// manifest may be ahead of the records, and a full sync that is about to change the number shows its offset with the old
// number or the other way round: then the records end before it. Where the end is not in question nothing is read here.
func (f *follower) readTo(m folder.Manifest, segment folder.Segment) (verdict, error) {
	o, err := f.evidence.Opening(f.log.View(), segment)
	if err != nil {
		return notYet, err
	}
	until, odd := m.Position, false
	if o.Filler || m.Layout == folder.Layout2 && f.begun {
		if until.Offset, odd, err = f.wholeEnd(segment, o.Filler, until.Offset); err != nil {
			return notYet, err
		}
	}
	switch {
	case odd:
		return notYet, nil
	case until == f.pos || until != m.Position && !o.Filler:
		return upToDate, nil
	case until != m.Position && f.exact(m.Layout):
		return notYet, nil // what is whole before it may be the record of a server that was killed before it had committed it
	}
	f.read(until)
	return more, nil
}

// exact reports whether the last manifest that was believed named the very end of what was read. One that is ahead of the records stays so.
func (f *follower) exact(layout folder.Layout) bool {
	m, err := folder.ParseManifest(f.manifest.good[:], layout)
	return f.begun && err == nil && m.Position == f.pos
}

// wholeEnd is the end of the last record before an offset of the current segment, the offset itself if one ends there. odd: the segment begins with
// filler, and what is between the two is more than that may have left out.
func (f *follower) wholeEnd(segment folder.Segment, filler bool, offset int64) (end int64, odd bool, err error) {
	file, err := f.dir.OpenPlain(segment)
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	span := f.evidence.Span(f.log.View(), file)
	if filler {
		if e, err := f.evidence.Ending(file, span, offset); err != nil || e.Boundary {
			return offset, false, err
		}
	}
	span.Begin, span.End, span.Limit, span.Exact = f.pos.Offset, offset, offset, f.kind != inside
	end, damaged, err := f.evidence.WholeEnd(file, span)
	return end, filler && (damaged || !evidence.MayLag(span.Generation, offset-end)), err
}

// rolled follows a manifest that names a segment of which nothing was read: after a rotation, several, or a full sync.
func (f *follower) rolled(m folder.Manifest) (verdict, error) {
	confirmed, err := f.confirm(m)
	if err != nil || !confirmed && (f.begun || f.unwritten(m)) {
		return notYet, err
	}
	s, err := f.examine()
	if err != nil {
		return notYet, err
	}
	if s.other != "" && f.begun {
		return f.replaced(m, s.other)
	}
	if broken, err := f.brokenAbove(m.Position.Segment); err != nil || broken {
		return f.replacedIf(broken, err, m)
	}
	if m.Position.Offset == 0 {
		return f.entering(m, s), nil
	}
	if whole, err := f.written(m.Position.Segment); err != nil || !whole {
		return notYet, err
	}
	if f.begun && !s.there {
		if v, err := f.afterUnlinked(m); err != nil || v != more {
			return v, err
		}
	}
	if err := f.skipPurged(); err != nil {
		return notYet, err
	}
	if i, ok := folder.Find(f.log.View().Segments, f.pos.Segment); ok && m.Position.Segment == f.pos.Segment {
		return f.readTo(m, f.log.View().Segments[i])
	}
	if mixed, err := f.mixed(m.Position); err != nil || mixed {
		return notYet, err
	}
	f.read(m.Position)
	return more, nil
}

// entering judges a manifest that names a segment without a record. Only the first one tells where the segment before it ends, which may
// have stale bytes there, and whether it continues from it at all. A file that ends where it was read to has none, if it is the one that the
// server has ended.
func (f *follower) entering(m folder.Manifest, s standing) verdict {
	if !f.begun || m.Position.Segment != f.pos.Segment+1 || f.pos != f.end || !s.there || s.size != f.pos.Offset {
		return notYet // there may be records before it that have not been read
	}
	f.advance(m.Position.Segment)
	return upToDate
}

// confirm lists the folder for a manifest with another number, and reports whether files and manifest bear it out. The
// listing comes after the first read of the manifest, so that it holds all that the manifest speaks of, and before the
// second.
func (f *follower) confirm(m folder.Manifest) (bool, error) {
	if err := f.relist(m); err != nil {
		return false, err
	}
	if !m.Fits(f.log.View().Segments) || f.manifest.refresh {
		return false, nil
	}
	data, err := f.manifest.Read()
	if err != nil {
		return false, f.unread(err)
	}
	return bytes.Equal(data, f.manifest.last[:]), nil
}

// brokenAbove reports whether another history begins after the position. It looks from the top down and not beyond a
// missing number: segments between may be stale.
func (f *follower) brokenAbove(top uint32) (bool, error) {
	bottom := int64(f.pos.Segment)
	if f.pos.Offset > 0 || f.kind == historyStart {
		bottom++
	}
	for n := int64(top); n >= bottom; n-- {
		i, ok := folder.Find(f.log.View().Segments, uint32(n))
		if !ok {
			return false, nil
		}
		if begins, err := f.evidence.Begins(f.log.View(), f.log.View().Segments[i]); err != nil || begins {
			return begins, err
		}
	}
	return false, nil
}

// skipPurged moves from the end of a segment that was purged to the next one, if that says that nothing is missing between.
func (f *follower) skipPurged() error {
	next := f.pos.Segment + 1
	if _, ok := folder.Find(f.log.View().Segments, f.pos.Segment); ok {
		return nil
	}
	i, ok := folder.Find(f.log.View().Segments, next)
	if !ok || next == 0 {
		return nil
	}
	o, err := f.evidence.Opening(f.log.View(), f.log.View().Segments[i])
	if err == nil && o.Found && o.HasAt && o.Offset == 0 && o.At == f.pos {
		f.advance(next)
	}
	return err
}

// backward follows a manifest that names an earlier position than it did.
func (f *follower) backward(m folder.Manifest) (verdict, error) {
	if !f.found {
		return notYet, &decode.BeyondError{Log: f.log.ID(), Want: f.pos, End: m.Position}
	}
	reason := fmt.Sprintf("the manifest went back from %v to %v", f.pos, m.Position)
	if mayBeMixed(m, f.pos) {
		// A server of Pika 2 that was killed between two stores of a rotation begins the segment again.
		s, err := f.examine()
		if err != nil || s.other == "" {
			return notYet, err
		}
		reason = s.other
	}
	return f.replaced(m, reason)
}

// replaced continues where the present history begins. While manifest and files do not agree on where that is, what was
// read stays what is compared with.
func (f *follower) replaced(m folder.Manifest, reason string) (verdict, error) {
	// A full sync has replaced files before the manifest tells of it. And of a server that was started without a manifest the
	// one that is open says nothing any more.
	if current, err := f.current(); err != nil || !current || f.manifest.last == f.manifest.good {
		return notYet, err
	}
	held := f.dir.Swap(nil)
	to, ok, err := f.newStart(m)
	if err != nil || !ok {
		f.dir.Swap(held)
		f.evidence.Reset()
		return notYet, err
	}
	if held != nil {
		err = held.Release()
	}
	f.goOn(to, reason)
	return hole, err
}

// newStart is where the history begins that a manifest is the end of, if the manifest is believed.
func (f *follower) newStart(m folder.Manifest) (start decode.Position, ok bool, err error) {
	ok, err = f.confirm(m)
	if err != nil || !ok {
		return start, false, err
	}
	if m.Position.Offset > 0 {
		i, _ := folder.Find(f.log.View().Segments, m.Position.Segment)
		if ok, err = f.endsRecord(f.log.View().Segments[i], m.Position.Offset); err != nil || !ok {
			return start, false, err
		}
	}
	return f.evidence.HistoryStart(f.log.View())
}

// endsRecord reports whether a record ends at an offset, as it must at a manifest's position. Filler may end elsewhere.
func (f *follower) endsRecord(s folder.Segment, offset int64) (bool, error) {
	o, err := f.evidence.Opening(f.log.View(), s)
	if err != nil || o.Filler {
		return o.Filler, err
	}
	file, err := f.dir.OpenPlain(s)
	if err != nil {
		return false, err
	}
	defer file.Close()
	e, err := f.evidence.Ending(file, f.evidence.Span(f.log.View(), file), offset)
	return e.Boundary, err
}

// goOn moves to the beginning of another history, and says so before anything else.
func (f *follower) goOn(to decode.Position, reason string) {
	from := f.end
	f.moved(to, historyStart)
	f.memory.forget()
	f.manifest.settled = false
	f.missing = &decode.RewrittenError{Log: f.log.ID(), From: from, To: to, Reason: reason}
}

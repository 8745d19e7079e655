package follow

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/follow/patience"
)

// maxBefore is how many bytes before its position a follower remembers, to know them again.
const maxBefore = 4096

// maxHead is how much of the beginning of a segment it remembers: the time of the first record, and where that has it the logic
// id.
const maxHead = 64

// errReplaced ends a plan that a full sync, a truncation or a lost manifest has overtaken.
var errReplaced = errors.New("the history of the log was replaced")

// follower reads one log on as its server writes it. Between plans its position is all that it has to know: what the
// manifest says is compared with it.
type follower struct {
	log      *binlog.Log
	evidence *evidence.Reader
	options  binlog.PlanOptions
	dir      *folder.Dir
	note     func(binlog.Oddity)
	now      func() time.Time
	noted    []binlog.OddityKind
	removed  bool // the folder is gone

	cursor
	manifest manifest
	memory   memory
	doubt    doubt

	plan    *binlog.Plan
	missing decode.Hole // comes before anything else; nil: nothing is missing

	rest       rest
	atRestNow  bool // the log was seen to be at rest by the last look
	planAtRest bool // the plan is that of a log at rest
	trouble    patience.Trouble
	stale      bool          // the files are to be opened anew
	kept       *decode.Chunk // could not be given yet, because what is before its end could not be read
	stop       <-chan struct{}

	mu     sync.Mutex
	public LogStatus // and of its fields those that Status does not look up
	layout folder.Layout

	statusRest rest // of the manifest that Status sees
}

func newFollower(l *binlog.Log, start decode.Position, before decode.Hole, o binlog.PlanOptions, note func(binlog.Oddity), now func() time.Time) *follower {
	f := &follower{
		log: l, dir: l.Folder(), evidence: l.Evidence(), options: o, note: note, now: now, missing: before,
		cursor:   cursor{pos: start, end: start, kind: historyStart, found: !l.Committed().Before(start)},
		manifest: manifest{LiveManifest: folder.LiveManifest{Path: folder.ManifestPath(l.Dir())}, refresh: l.View().ManifestErr != nil},
	}
	f.public = LogStatus{ID: l.ID(), Read: start, Dir: l.Dir(), Committed: l.Committed(), Moved: now()}
	f.layout = l.View().Manifest.Layout
	return f
}

// next gives the next chunk, or ok false when there is nothing new.
func (f *follower) next(ctx context.Context) (chunk decode.Chunk, ok bool, err error) {
	for f.kept == nil && f.missing == nil {
		var news bool
		if f.plan != nil {
			news, err = f.step(ctx)
		} else if news, err = f.look(); !news {
			f.noteRemoved()
		}
		if err != nil || !news {
			return decode.Chunk{}, false, err
		}
	}
	return f.give()
}

// step follows the plan to the next chunk, to what is missing, or to its end. news is false when the manifest has to tell what to do.
func (f *follower) step(ctx context.Context) (news bool, err error) {
	if err := f.intact(); err != nil {
		return f.disturbed(err)
	}
	chunk, err := f.plan.Next(ctx)
	switch {
	case err == io.EOF: //nolint:errorlint // what wraps it is an error, such as that of an archive which ends too early
		return true, f.finish()
	case err != nil:
		return f.disturbed(err)
	case chunk.Missing != nil:
		return f.over(chunk.Missing)
	}
	_, end, _ := f.plan.Within()
	f.moved(decode.Position{Segment: chunk.Segment, Offset: chunk.End}, insideIf(chunk.End < end))
	f.kept = &chunk
	return true, nil
}

// disturbed ends a plan that another history or a purge has overtaken. Any other error stays one.
func (f *follower) disturbed(err error) (news bool, _ error) {
	var beyond *decode.BeyondError
	switch {
	case errors.Is(err, errReplaced), folder.Vanished(err):
		_, err := f.atRest() // the manifest will tell, or that it does not change
		return false, errors.Join(f.drop(), err)
	case errors.As(err, &beyond) && f.begun:
		f.beyond(beyond)
		return true, f.drop()
	}
	return false, err
}

// give gives what is missing, or the chunk that was planned, once the bytes before its end are remembered.
func (f *follower) give() (decode.Chunk, bool, error) {
	if hole := f.missing; hole != nil {
		f.missing = nil
		return decode.Missing(hole), true, nil
	}
	if err := f.remember(); err != nil {
		return decode.Chunk{}, false, err
	}
	chunk := *f.kept
	f.kept = nil
	f.patient(&chunk)
	return chunk, true, nil
}

// over continues after a hole that the plan has come to.
func (f *follower) over(hole decode.Hole) (news bool, err error) {
	_, _, to := hole.Hole()
	cut, isCut := hole.(*decode.CutShortError)
	switch {
	case !folder.IsDamage(hole) && to.Offset > 0 && !f.planAtRest:
		// The newest segment itself is not there: a full sync is making another one, or it was unlinked while the server writes it.
		// What is missing is known when there is a segment to continue with, or when the log is at rest.
		if rests, err := f.atRest(); err != nil || !rests {
			return false, errors.Join(f.drop(), err)
		}
	case isCut && f.unlinked(cut.From.Segment):
		// What Pika unlinks was whole. So it has unlinked another file of that name than the one that is open, which tells nothing any more.
		f.goOn(to, cut.Why())
		return true, errors.Join(f.drop(), f.dir.LetGo())
	}
	f.moved(to, insideIf(!isCut && to.Offset > 0)) // which nothing has confirmed
	f.missing = hole
	return true, nil
}

// beyond: the segment after says that this one ends before what was read of it, and so continues another history.
func (f *follower) beyond(e *decode.BeyondError) {
	to := decode.Position{Segment: f.pos.Segment + 1}
	if f.pos != f.end {
		to = f.pos
	}
	f.goOn(to, fmt.Sprintf("write2file%d continues from %v", to.Segment, e.End))
}

func (f *follower) moved(to decode.Position, k kind) {
	f.move(to, k)
	f.doubt.pending, f.rest.pending = false, false
	f.mu.Lock()
	f.public.Read = to
	f.mu.Unlock()
}

// finish ends a plan that was read to its end.
func (f *follower) finish() error {
	f.begun = true
	if until := f.plan.Until(); until.Offset == 0 && until != f.pos {
		f.advance(until.Segment)
	} else if until != f.pos {
		f.moved(until, recordEnd)
	}
	return f.drop()
}

// drop ends a plan where it is.
func (f *follower) drop() error {
	plan := f.plan
	f.plan, f.manifest.settled, f.planAtRest = nil, false, false
	return plan.Close()
}

func (f *follower) close() error {
	var err error
	if f.kept != nil {
		f.kept.Release()
		f.kept = nil
	}
	if f.plan != nil {
		err = f.drop()
	}
	return errors.Join(err, f.dir.LetGo(), f.manifest.Close())
}

// read plans the way to a position that the manifest has confirmed.
func (f *follower) read(until decode.Position) {
	o := f.options
	o.Entered, o.Inside = f.entered, f.kind == inside
	f.planAtRest = f.atRestNow
	f.plan = f.log.Chunks(f.pos, until, o)
}

// entered holds the segment that is being read, if it is still of the history that the plan was made for. Otherwise the one
// before stays, to be compared with.
func (f *follower) entered(file *folder.File) error {
	if number := file.Segment().Number; f.begun && (number != f.pos.Segment || f.pos.Offset == 0) {
		if err := f.goesOn(number); err != nil {
			return err
		}
		f.evidence.Forget(number)
		if err := f.dir.With(file, func() error { return f.sameHistory(file) }); err != nil {
			f.evidence.Forget(number)
			return err
		}
	}
	return f.dir.Hold(file)
}

// goesOn is errReplaced when the segment that was read last is not the one any more that a segment is to be read after.
func (f *follower) goesOn(number uint32) error {
	s, err := f.examine()
	if err != nil || s.other != "" {
		return cmp.Or(err, errReplaced)
	}
	held := f.dir.Held()
	if s.there || held == nil || held.Segment().Number != f.end.Segment || held.Segment().Number+1 != number {
		return nil
	}
	f.evidence.Forget(number)
	if j, err := f.succession(held, folder.Segment{Number: number, Path: f.segmentPath(number)}); err != nil || j != continues {
		return cmp.Or(err, errReplaced)
	}
	return nil
}

// sameHistory is errReplaced when a segment belongs to another history than the one before it.
func (f *follower) sameHistory(file *folder.File) error {
	if f.kind != historyStart || file.Segment().Number != f.pos.Segment {
		if begins, err := f.evidence.Begins(f.log.View(), file.Segment()); err != nil || begins {
			return cmp.Or(err, errReplaced)
		}
	}
	if f.planAtRest {
		return nil
	}
	if written, err := f.written(file.Segment().Number); err != nil || !written {
		return cmp.Or(err, errReplaced)
	}
	// The segment that a full sync has put there was there before the manifest names it, so the manifest is read last.
	if _, err := f.current(); err != nil {
		return err
	}
	if err := f.overtaken(f.plan.Until()); err != nil || f.public.Committed == f.plan.Until() || file.Segment().Number != f.plan.Until().Segment {
		return err
	}
	// The manifest has moved on, and what it says may be of another history than what the plan was made for.
	if ends, err := f.endsRecord(file.Segment(), f.plan.Until().Offset); err != nil || !ends {
		return cmp.Or(err, errReplaced)
	}
	return nil
}

// intact makes sure, before the next chunk is cut from a segment, that its bytes are still there and still of the history that
// the plan was made for. What workers read of a chunk later is theirs to check: a file that was cut is a *folder.ChangedError.
func (f *follower) intact() error {
	file, end, cut := f.plan.Within()
	if file == nil || file.Segment().Compression != folder.Plain {
		return nil
	}
	info, err := file.Stat()
	switch {
	case err != nil:
		return err
	case info.Size() < end && !cut:
		return errReplaced
	}
	if other, err := f.compare(); err != nil || other != "" {
		return cmp.Or(err, errReplaced)
	}
	return f.overtaken(f.pos)
}

// overtaken is errReplaced when the manifest names an earlier position than one that it has named.
func (f *follower) overtaken(at decode.Position) error {
	if f.manifest.refresh {
		return errReplaced // a server was started without a manifest, or it is another one's
	}
	data, err := f.manifest.Read()
	if err != nil {
		return f.unread(err)
	}
	m, err := folder.ParseManifest(data, f.log.View().Manifest.Layout)
	if err != nil || m.Position.Before(at) {
		return errReplaced
	}
	f.publish(m)
	return nil
}

// unread passes over a manifest that is not there at this moment.
func (f *follower) unread(err error) error {
	if errors.Is(err, folder.ErrNoManifest) {
		return nil
	}
	return fmt.Errorf("%s: reading the manifest: %w", f.log.ID(), err)
}

// mayBeMixed reports whether a manifest before at may be one whose fields belong to two moments: Pika 2 stores the
// offset of the next segment, or of a full sync, before its number.
func mayBeMixed(m folder.Manifest, at decode.Position) bool {
	return m.Layout == folder.Layout2 && m.Position.Segment == at.Segment
}

// check looks whether folder and manifest are still those that are open.
func (f *follower) check() error {
	current, err := f.current()
	switch {
	case err != nil:
		return fmt.Errorf("%s: looking at the manifest: %w", f.log.ID(), err)
	case !current && !f.manifest.refresh:
		return f.unlisted()
	}
	f.removed = false
	return nil
}

// current reports whether the manifest that is open is the one at the path.
func (f *follower) current() (bool, error) {
	replaced, err := f.manifest.Renew()
	if replaced {
		f.manifest.refresh, f.manifest.settled = true, false
	}
	if errors.Is(err, folder.ErrNoManifest) {
		return false, nil
	}
	return err == nil && !replaced, err
}

// unlisted says once what it means that the manifest is not there.
func (f *follower) unlisted() error {
	_, err := os.Stat(f.dir.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		f.removed = true
		return nil
	case err == nil && f.manifest.IsOpen():
		f.once(binlog.OddityUnlisted, f.manifest.Path, "the manifest is gone: following the server as long as it has it open")
	}
	return err
}

// noteRemoved says that a folder is gone, when what was in it has been read.
func (f *follower) noteRemoved() {
	if f.removed {
		f.once(binlog.OddityRemoved, f.dir.Path, "the folder was removed, it was read up to %v", f.end)
	}
}

func (f *follower) once(kind binlog.OddityKind, path, format string, args ...any) {
	if slices.Contains(f.noted, kind) {
		return
	}
	f.noted = append(f.noted, kind)
	f.note(binlog.Oddity{Kind: kind, Log: f.log.ID(), Path: path, Text: fmt.Sprintf(format, args...)})
}

// segmentPath is that of the plain segment with a number.
func (f *follower) segmentPath(number uint32) string { return folder.SegmentPath(f.dir.Path, number) }

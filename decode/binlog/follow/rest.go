package follow

import (
	"fmt"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// restTime is how long manifest and folder have to stay as they are before a manifest is believed that the files do not bear
// out. A server that is between two of its stores has made the next one long before.
const restTime = 5 * time.Second

// rest tells a log at rest, whose damage is all that there is to say of it, from one that a server is about to change.
type rest struct {
	pending  bool // there is something that does not fit
	tried    bool // and it was seen that reading as of a log at rest is of no help
	since    time.Time
	manifest [folder.ManifestSize]byte
	segments []folder.Segment
}

// reached reports whether nothing has changed for long. The first call, and each that sees a change, starts the time.
func (r *rest) reached(manifest [folder.ManifestSize]byte, segments []folder.Segment, now time.Time) bool {
	if !r.pending || r.manifest != manifest || !slices.Equal(r.segments, segments) {
		*r = rest{pending: true, since: now, manifest: manifest, segments: segments}
		return false
	}
	return now.Sub(r.since) >= restTime
}

// waits reports whether the time is still to be waited for, and the look after it.
func (r *rest) waits() bool { return r.pending && !r.tried }

// atRest reports whether manifest and folder have been as they are for long.
func (f *follower) atRest() (bool, error) {
	list, err := folder.List(f.dir.Path)
	if err != nil {
		return false, notThere(err)
	}
	return f.rest.reached(f.manifest.last, list.Segments, f.now()), nil
}

// lookAtRest plans the way to a manifest that the files do not bear out, once it is that of a log at rest: damaged and missing
// segments come out of the plan in their place, as of a log that is not followed.
func (f *follower) lookAtRest(m folder.Manifest) (verdict, error) {
	if !f.pos.Before(m.Position) {
		return notYet, nil
	}
	if !f.atRestNow {
		_, err := f.atRest()
		return notYet, err
	}
	f.rest.tried = true
	if s, err := f.examine(); err != nil || s.other != "" && f.begun {
		return notYet, err // of another history, which has not told yet where it begins
	}
	if err := f.relist(m); err != nil {
		return notYet, err
	}
	f.read(m.Position)
	return more, nil
}

// StuckError is a log that was not read to its end, which nothing that was tried has mended.
type StuckError struct {
	Log       *decode.Log
	Read, End decode.Position
	Err       error // what went wrong the last time; nil: manifest and files do not fit each other
}

// Error says how far the log was read, and why no further.
func (e *StuckError) Error() string {
	if e.End == (decode.Position{}) && e.Err != nil {
		return fmt.Sprintf("%s: could not be read: %v", e.Log, e.Err)
	}
	text := fmt.Sprintf("%s: read up to %v, and not to its end %v", e.Log, e.Read, e.End)
	if e.Err == nil {
		return text + ": what is between does not fit the manifest; convert and verify say more"
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

// Unwrap gives what went wrong.
func (e *StuckError) Unwrap() error { return e.Err }

// unreached is a *StuckError if something keeps the log from being read to its end.
func (f *follower) unreached() error {
	trouble := f.trouble.Err()
	if trouble == nil && (!f.rest.pending || f.rest.waits()) {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return &StuckError{Log: f.log.ID(), Read: f.end, End: f.public.Committed, Err: trouble}
}

package run_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// TestWhereLogsBegin: a log that the state knows continues where it was, one beside it is all new, and of an earlier run that knows
// nothing the user decides.
func TestWhereLogsBegin(t *testing.T) {
	old, beside := newLog("db0", 3), newLog("db1", 2)
	r := following(t, old)
	close(r.news)
	if r.must(); r.places[0].From() != old.end || r.places[0].Saved {
		t.Errorf("begun at %+v, want the end", r.places[0])
	}
	old.put(4)
	r.logs = append(r.logs, beside)
	again := r.again()
	close(again.news)
	again.must()
	if p := again.places; !p[0].Saved || p[1].Saved || p[1].From() != (decode.Position{}) || len(again.out.lines()) != 6 {
		t.Errorf("begun at %+v, %d events", p, len(again.out.lines()))
	}
	if !strings.HasSuffix(again.places[0].Why, " (the state "+r.job.State+")") {
		t.Errorf("why: %s", again.places[0].Why)
	}
	last := again.again()
	last.job.From = decode.LogEnd // says nothing of logs that are known
	close(last.news)
	if last.must(); len(last.out.lines()) != 0 || last.places[1].From() != beside.end || last.places[1].Mark != again.saved("db1") {
		t.Errorf("begun at %+v, %d events", last.places, len(last.out.lines()))
	}
}

// TestLateLogs: a log that appears is read from its beginning, whatever the user has said of the others, and its place is saved.
func TestLateLogs(t *testing.T) {
	r := following(t, newLog("db0", 3))
	late := newLog("db1", 5)
	go func() {
		r.quiet()
		r.happen(func(ctx context.Context, s *memorySource) error { return s.add(ctx, late, true) })
		r.quiet()
		close(r.news)
	}()
	result, err := r.run()
	if err != nil || len(r.out.lines()) != 5 || result.Committed[late.id] != late.end {
		t.Errorf("%v, %d events, %v", err, len(r.out.lines()), result.Committed)
	}
	if r.saved("db0").Position != r.logs[0].end || r.saved("db1").Position != late.end {
		t.Errorf("saved %v", r.stateText())
	}
}

// TestOtherHistories: a log whose history was replaced is read from the beginning of the present one, in the next epoch, where that is wanted.
func TestOtherHistories(t *testing.T) {
	for name, now := range map[string]*memoryLog{"shorter": newLog("db0", 1), "other bytes": newLog("db9", 6)} {
		r := newRig(t, newLog("db0", 3)).must().again()
		id := r.logs[0].id
		*r.logs[0] = *now
		r.logs[0].id = id
		r.job.Encode.SkipGaps = true
		r.must()
		lines, records := r.out.lines(), len(now.w.Records())
		if len(lines) != 1+records || !strings.HasPrefix(lines[0], "db0 rewritten 0:0 ") {
			t.Errorf("%s: %q", name, lines)
		}
		if m := r.saved("db0"); m.Epoch != 1 || m.Position != now.end {
			t.Errorf("%s: saved %+v", name, m)
		}
	}
}

// TestAFenceThatCannotBeRead: where a log cannot be compared with its place, nothing is read, and the place stays as it was.
func TestAFenceThatCannotBeRead(t *testing.T) {
	for _, why := range []error{
		&fs.PathError{Op: "read", Path: "write2file0", Err: syscall.EIO}, &fs.PathError{Op: "open", Path: "write2file0", Err: syscall.EMFILE},
		os.NewSyscallError("read", syscall.ESTALE),
	} {
		r := newRig(t, newLog("db0", 3)).must().again()
		before := r.saved("db0")
		r.logs[0].put(2)
		r.logs[0].broken = why
		if _, err := r.run(); !errors.Is(err, why) {
			t.Errorf("got %v, want %v", err, why)
		}
		if now := r.saved("db0"); now != before || len(r.out.lines()) != 0 {
			t.Errorf("%v: saved %v, before %v, %d events", why, now, before, len(r.out.lines()))
		}
	}
}

// TestPlacesOfTheOutput: an output that keeps the places itself is asked, and not the state. The record before the place may be that of
// another replica, and a replica that lags is waited for.
func TestPlacesOfTheOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := following(t, newLog("db0", 3))
		l := r.logs[0]
		half := l.w.Records()[1]
		at := decode.Position{Offset: half.End}
		fence, err := l.Fence(t.Context(), l.end)
		if err != nil {
			t.Fatal(err)
		}
		fence.Bytes[0]++ // of a replica with headers of its own
		r.out.target.First = true
		r.out.positions = map[string]checkpoint.Mark{"db0": {Position: l.end, Fence: fence, Epoch: 2}}
		l.w.Command("SET", "new", "value")
		l.end = at // Refresh will find the rest
		close(r.news)
		r.must()
		if p := r.places[0]; p.Before != nil || !p.Saved || p.Mark.Epoch != 2 || !strings.HasSuffix(p.Why, " (the output)") {
			t.Errorf("begun at %+v", p)
		}
		if lines := r.out.lines(); len(lines) != 1 || !strings.Contains(lines[0], `"new"`) {
			t.Errorf("%q", lines)
		}
	})
}

// TestALagThatLasts: a log that stays shorter than the output knows is another one.
func TestALagThatLasts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := following(t, newLog("db0", 3))
		r.out.target.First = true
		r.out.positions = map[string]checkpoint.Mark{"db0": {Position: decode.Position{Segment: 7}}}
		close(r.news)
		if _, err := r.run(); !is[*decode.RewrittenError](err) || !strings.Contains(err.Error(), "the log already ends at") {
			t.Errorf("got %v", err)
		}
	})
}

// TestLimits: runs of any limit, one after the other, give what one run gives, and each begins where the last has ended.
func TestLimits(t *testing.T) {
	whole := newRig(t, newLog("db0", 7), newLog("db1", 5)).must().out.lines()
	for limit := int64(1); limit <= int64(len(whole)); limit++ {
		var lines []string
		r := newRig(t, newLog("db0", 7), newLog("db1", 5))
		for n := 0; len(lines) < len(whole) && n <= len(whole); n++ {
			r.job.Encode.Limit = limit
			if result, err := r.run(); err != nil || result.Changes > limit {
				t.Fatalf("limit %d: %d events, %v", limit, result.Changes, err)
			}
			lines = append(lines, r.out.lines()...)
			r = r.again()
		}
		if !slices.Equal(lines, whole) {
			t.Errorf("limit %d:\n%s", limit, fmt.Sprint(lines))
		}
	}
}

// TestASourceThatFails ends the run with what it says, after all that it has given.
func TestASourceThatFails(t *testing.T) {
	failure := errors.New("no such luck")
	r := following(t, newLog("db0", 3))
	r.job.From = decode.LogStart
	go r.happen(func(context.Context, *memorySource) error { return failure })
	if err := r.failure(); !errors.Is(err, failure) {
		t.Errorf("got %v", err)
	}
	if got := r.saved("db0").Position; got != r.logs[0].end || len(r.out.lines()) != 3 {
		t.Errorf("saved %v, %d events", got, len(r.out.lines()))
	}
}

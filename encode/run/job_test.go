package run_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// TestDryRun saves nothing, and tells the source of nothing.
func TestDryRun(t *testing.T) {
	r := newRig(t, newLog("db0", 3))
	r.job.Dry = true
	r.must()
	if _, there, err := checkpoint.Load(r.job.State); there || err != nil || len(r.delivered) > 0 || len(r.out.lines()) != 3 {
		t.Errorf("a state: %v, %v; told the source %v; %d events", there, err, r.delivered, len(r.out.lines()))
	}
	r = r.again()
	r.must()
	saved := r.saved("db0")
	r = r.again()
	r.job.Dry = true
	r.must()
	if len(r.out.lines()) > 0 || r.saved("db0") != saved {
		t.Errorf("%d events come again; saved %v, before %v", len(r.out.lines()), r.saved("db0"), saved)
	}
}

// TestOrderOfOpening: an output that may hold the places is opened before the logs, every other one when nothing can refuse the run.
func TestOrderOfOpening(t *testing.T) {
	for name, c := range map[string]struct {
		first, follow bool
		want          string
	}{
		"convert":          {false, false, "logs identity source next output next close output close source"},
		"convert to Kafka": {true, false, "logs identity output source next close output close source"},
		"tail":             {false, true, "logs identity source output next close output close source"},
		"tail to Kafka":    {true, true, "logs identity output source next close output close source"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, newLog("db0", 3))
			r.job.Follow, r.out.target.First = c.follow, c.first
			r.must()
			if diff := cmp.Diff(c.want, strings.Join(r.calls, " ")); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
			if got := r.saved("db0").Position; got != r.logs[0].end || len(r.out.lines()) != 3 || r.delivered[r.logs[0].id].Position != got {
				t.Errorf("saved %v, %d events, told the source %v", got, len(r.out.lines()), r.delivered)
			}
		})
	}
}

// TestRefusals: what refuses a run is found before the output is opened, and leaves the state and its lock as they were.
func TestRefusals(t *testing.T) {
	failure := errors.New("no such luck")
	gone := func(r *rig) { r.logs[0].put(5); r.logs[0].oldest = r.logs[0].end }
	for name, c := range map[string]struct {
		change func(r *rig)
		is     func(err error) bool
	}{
		"another output": {func(r *rig) { r.out.identity = "another" }, is[*run.OtherOutputError]},
		"another format": {func(r *rig) { r.job.Encode.Format.Name = "another" }, is[*run.OtherOutputError]},
		"other logs":     {func(r *rig) { r.logs[0].id = &decode.Log{DB: "db7", Slot: -1} }, is[*run.OtherLogError]},
		"a source that fails": {func(r *rig) {
			r.job.Open = func(context.Context, run.Begin) (run.Source, error) { return nil, failure }
		}, func(err error) bool { return errors.Is(err, failure) }},
		"a place that is gone":                            {gone, is[*decode.PurgedError]},
		"a place that is gone, in a log that is followed": {func(r *rig) { gone(r); r.job.Follow = true }, is[*decode.PurgedError]},
		"another history":                                 {func(r *rig) { *r.logs[0] = *newLog("db0", 1) }, is[*decode.RewrittenError]},
		"the state's own file":                            {func(r *rig) { r.out.target.Paths = []string{r.job.State} }, is[*run.RefusedError]},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, newLog("db0", 3)).must().again()
			before := r.stateText()
			c.change(r)
			if _, err := r.run(); err == nil || !c.is(err) {
				t.Errorf("got %T %v", err, err)
			}
			if strings.Contains(strings.Join(r.calls, " "), "output") || r.stateText() != before {
				t.Errorf("calls %v, state changed: %t", r.calls, r.stateText() != before)
			}
			file, err := checkpoint.Open(r.job.State)
			if err != nil {
				t.Fatalf("the lock was kept: %v", err)
			}
			file.Close()
		})
	}
}

func is[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}

// TestStopDrains: after the stop nothing is read, and what was read is delivered and saved.
func TestStopDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := following(t, newLog("db0", 3))
		r.job.From = decode.LogStart
		go func() {
			r.quiet()
			r.happen(func(context.Context, *memorySource) error { r.logs[0].put(4); return nil })
			r.quiet()
			r.happen(func(_ context.Context, s *memorySource) error {
				close(r.stop)
				<-s.stop
				r.logs[0].put(1) // nobody reads it
				return nil
			})
		}()
		if _, err := r.run(); !errors.Is(err, run.ErrInterrupted) {
			t.Errorf("got %v", err)
		}
		synctest.Wait()
		if got := r.saved("db0").Position; len(r.out.lines()) != 7 || got == r.logs[0].end {
			t.Errorf("%d events, saved %v of %v", len(r.out.lines()), got, r.logs[0].end)
		}
	})
}

// TestEveryErrorIsTold: of a run in which several things fail nothing is lost, and everything is closed.
func TestEveryErrorIsTold(t *testing.T) {
	errWrite, errSource, errClose := errors.New("write"), errors.New("close source"), errors.New("close output")
	r := newRig(t, newLog("db0", 3))
	r.out.refuse(errWrite)
	r.out.closing, r.source.closing = errClose, errSource
	_, err := r.run()
	if !errors.Is(err, errWrite) || !errors.Is(err, errSource) || !is[*sink.Error](err) {
		t.Errorf("got %v", err)
	}
	if calls := strings.Join(r.calls, " "); !strings.HasSuffix(calls, "close output close source") {
		t.Errorf("calls %s", calls)
	}
	if got := r.saved("db0").Position; got != (decode.Position{}) {
		t.Errorf("saved %v, and nothing was delivered", got)
	}
	r = newRig(t, newLog("db0", 3))
	r.out.opening, r.source.closing = errWrite, errSource
	if _, err := r.run(); !errors.Is(err, errWrite) || !errors.Is(err, errSource) || !is[*sink.Error](err) {
		t.Errorf("got %v of an output that does not open", err)
	}
}

// TestStopWhileOpening: a run that is told to end while it opens source or output was told to end, and nothing has failed.
func TestStopWhileOpening(t *testing.T) {
	for name, hold := range map[string]func(r *rig, wait func(context.Context) error){
		"source": func(r *rig, wait func(context.Context) error) {
			r.job.Open = func(ctx context.Context, _ run.Begin) (run.Source, error) { return nil, wait(ctx) }
		},
		"output": func(r *rig, wait func(context.Context) error) { r.out.hold = wait },
	} {
		for said, err := range map[string]error{"why": run.ErrInterrupted, "that it is over": context.Canceled} {
			t.Run(name+" says "+said, func(t *testing.T) {
				r := newRig(t, newLog("db0", 3))
				hold(r, func(ctx context.Context) error {
					close(r.stop)
					<-ctx.Done()
					return fmt.Errorf("opening it: %w", err)
				})
				if _, err := r.run(); err != run.ErrInterrupted {
					t.Errorf("got %v", err)
				}
			})
		}
	}
}

// TestEndOfTheContext ends everything at once, also an output that takes nothing.
func TestEndOfTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		r := following(t, newLog("db0", 3))
		r.job.From = decode.LogStart
		r.out.refuse(errNever)
		go func() { r.quiet(); cancel(why) }()
		if _, err := r.job.Run(ctx, r.stop); !errors.Is(err, why) {
			t.Errorf("got %v", err)
		}
		if got := r.saved("db0").Position; got != (decode.Position{}) {
			t.Errorf("saved %v", got)
		}
	})
}

// TestASlowEndIsNoStuckOne: an output that takes a batch now and then is waited for, however long that lasts.
func TestASlowEndIsNoStuckOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logs []*memoryLog
		for i := range 9 {
			logs = append(logs, newLog(fmt.Sprint("db", i), 3))
		}
		r := following(t, logs...)
		r.job.From = decode.LogStart
		took := make(chan struct{}, len(logs))
		r.out.take = func(*sink.Batch) error { took <- struct{}{}; time.Sleep(9 * time.Second); return nil }
		go func() {
			<-took
			synctest.Wait()
			close(r.stop)
		}()
		if _, err := r.run(); !errors.Is(err, run.ErrInterrupted) {
			t.Errorf("got %v", err)
		}
		for i, l := range logs {
			if got := r.saved(l.id.DB).Position; got != l.end && got != (decode.Position{}) {
				t.Errorf("log %d: saved %v", i, got)
			}
		}
		if lines := r.out.lines(); len(lines) < 3 {
			t.Errorf("%d events", len(lines))
		}
	})
}

// TestLeft: an output that takes nothing any more is left to itself, and so is one whose disk stays full.
func TestLeft(t *testing.T) {
	for _, state := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			r := following(t, newLog("db0", 3))
			r.job.From = decode.LogStart
			if !state {
				r.job.State = ""
			}
			free := make(chan struct{})
			r.out.take = func(*sink.Batch) error { <-free; return nil }
			go func() { r.quiet(); close(r.stop) }()
			_, err := r.run()
			left, ok := errors.AsType[*run.LeftError](err)
			if !ok || left.Kept != state || !strings.Contains(err.Error(), "the output takes nothing: ending without it; what was not delivered ") {
				t.Errorf("state %t: got %v", state, err)
			}
			close(free)
			synctest.Wait()
		})
		r := newRig(t, newLog("db0", 3))
		if !state {
			r.job.State = ""
		}
		close(r.stop)
		r.out.refuse(&sink.FullError{Path: "/x", Err: os.ErrClosed})
		if left, ok := errors.AsType[*run.LeftError](r.failure()); !ok || left.Kept != state {
			t.Errorf("state %t: got %v of a disk that is full", state, left)
		}
	}
}

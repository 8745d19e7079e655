package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/health"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
)

const (
	ok      = http.StatusOK
	failing = http.StatusServiceUnavailable
)

// TestHealth goes through what can happen to a run.
func TestHealth(t *testing.T) {
	for name, story := range map[string]func(r *rig){
		"nothing in the log": func(r *rig) {
			r.wait(2 * time.Hour)
			r.check(ok, "ok\ndb0 acknowledged 0:0, end 0:0, 0 B after it, oldest 0s, 0 segments before the purge\n")
		},
		"idle for hours, then slow": func(r *rig) {
			r.put(1)
			r.follow()
			r.wait(2 * time.Hour)
			r.check(ok, "ok\ndb0 acknowledged 0:200, end 0:200, 0 B after it")
			r.sink.set(false)
			r.put(1)
			r.follow()
			r.check(ok, "db0 acknowledged 0:200, end 0:400, 200 B after it, oldest 0s,")
			r.wait(59 * time.Second)
			r.check(ok, "200 B after it, oldest 59s,")
			r.wait(time.Second)
			r.check(failing, "failing: db0: stuck at 0:200 for 1m0s; the log ends at 0:400, 200 B ahead\ndb0 ack")
			r.sink.set(true)
			r.check(ok, "ok\ndb0 acknowledged 0:400, end 0:400, 0 B after it, oldest 0s,")
		},
		"a log that was idle before it was watched": func(r *rig) {
			r.put(5)
			r.from, r.read = r.w.Position(), r.w.Position()
			r.wait(2 * time.Hour)
			r.check(ok, "db0 acknowledged 0:1000, end 0:1000, 0 B after it")
			r.put(1)
			r.wait(time.Minute)
			r.check(failing, "stuck at 0:1000 for 1m0s")
		},
		"far to go, but moving": func(r *rig) {
			r.sink.set(false)
			for range 40 {
				r.put(2)
				r.follow()
			}
			for range 20 {
				r.wait(50 * time.Second)
				r.sink.deliver(1)
				r.check(ok, "B after it")
			}
			r.wait(61 * time.Second)
			r.check(failing, "stuck at 0:8000 for 1m1s")
		},
		"never without something to deliver": func(r *rig) {
			for range 200 {
				r.put(1)
				r.follow()
				r.sink.set(false)
				r.put(1)
				r.wait(time.Second)
				r.sink.set(true)
			}
			r.check(ok, "200 B after it, oldest 1s,")
		},
		"a server whose clock is ahead": func(r *rig) {
			r.sink.set(false)
			r.w.Advance(3600)
			r.put(1)
			r.follow()
			r.put(1)
			r.sink.set(true)
			r.wait(30 * time.Second)
			r.check(ok, "200 B after it, oldest 29s,")
		},
		"a log of which nobody knows how old it is": func(r *rig) {
			r.put(2)
			r.wait(40 * time.Second)
			r.check(ok, "acknowledged 0:0, end 0:400, 400 B after it, oldest 39s,")
		},
		"a sink that waits": func(r *rig) {
			r.stats.Waits(syscall.ENOSPC)
			r.wait(3 * time.Second)
			r.stats.Waits(syscall.ENOSPC)
			r.check(failing, "failing: the output has not taken anything for 3s: no space left on device\ndb0 ack")
			r.stats.Waits(nil)
			r.check(ok, "ok")
			r.put(1)
			r.wait(2 * time.Minute)
			r.check(failing, "200 B ahead; the last error was 2m0s ago: no space left on device")
			r.follow()
		},
		"a spool that is not emptied": func(r *rig) {
			r.stats.Spooled(sink.Spooled{Parts: 2, Bytes: 3 << 20, Since: time.Now()})
			r.wait(59 * time.Second)
			r.check(ok, "ok\n")
			r.stats.Spooled(sink.Spooled{Parts: 2, Bytes: 3 << 20, Since: time.Now().Add(-59 * time.Second), Err: errors.New("the bucket is away")})
			r.wait(time.Second)
			r.check(failing, "failing: 2 parts, 3.0 MiB, wait in the spool, the oldest for 1m0s: the bucket is away\ndb0 ack")
			r.stats.Spooled(sink.Spooled{})
			r.check(ok, "ok\n")
		},
		"a sink that fails": func(r *rig) {
			r.sink.refuse(errors.New("refused"))
			r.put(1)
			r.follow()
			r.check(failing, "failing: the output has not taken anything for 0s: refused")
		},
		"a state that cannot be saved": func(r *rig) {
			r.saves(func() error { return errors.New("read-only file system") })
			r.put(1)
			r.follow()
			r.wait(59 * time.Second)
			r.check(ok, "ok\n")
			r.wait(time.Second)
			r.check(failing, "failing: the state has not been saved for 1m0s: read-only file system\ndb0 ack")
			r.saves(saved)
			r.wait(time.Second)
			r.check(ok, "ok\n")
		},
		"a save that hangs": func(r *rig) {
			saving := make(chan struct{})
			r.saves(func() error { <-saving; return nil })
			r.put(1)
			r.follow()
			r.wait(2 * time.Minute)
			r.check(failing, "failing: the state has not been saved for 2m0s\ndb0 ack")
			close(saving)
			r.wait(time.Second)
			r.check(ok, "ok\n")
		},
		"another history": func(r *rig) {
			r.put(10)
			r.follow()
			old := r.read
			r.w = binlogtest.NewWriter(binlogtest.Options{Time: bubbleTime})
			r.put(1)
			r.wait(2 * time.Minute)
			r.check(ok, "db0 acknowledged 0:2000, end 0:200, 0 B after it, oldest 0s,")
			r.sink.set(false)
			r.read = decode.Position{}
			r.holes <- rewritten{r.log, old}
			r.follow()
			r.put(1)
			r.sink.deliver(1)
			r.check(ok, "db0 acknowledged 0:0, end 0:400, 400 B after it, oldest 0s,")
			r.wait(time.Minute)
			r.check(failing, "stuck at 0:0 for 1m0s")
			r.sink.set(true)
			r.check(ok, "db0 acknowledged 0:200, end 0:400, 200 B after it, oldest 1m0s,")
		},
		"a server that is away for a while": func(r *rig) {
			r.remote, r.trouble, r.since = &health.Remote{Reconnects: 1}, errors.New("connection refused"), time.Now()
			r.wait(59 * time.Second)
			r.check(ok, "ok\n")
			r.wait(time.Second)
			r.check(failing, "failing: db0 has not been readable for 1m0s: connection refused\ndb0 ack")
			r.trouble = nil
			r.check(ok, "ok\n")
		},
		"a server that keeps too much": func(r *rig) {
			r.remote = &health.Remote{Connected: true, Held: 3 << 20, LetGo: true}
			r.check(failing, "failing: db0: the server kept more for this run than hold-limit allows, and may purge what is not delivered: 3.0 MiB\ndb0 ack")
		},
		"segments purged under it": func(r *rig) {
			r.put(1)
			r.follow()
			r.sink.set(false)
			for range 3 {
				r.w.Rotate()
				r.put(1)
			}
			r.follow()
			r.check(ok, "db0 acknowledged 0:200, end 3:200, 600 B after it, oldest 0s, 0 segments before the purge\n")
			r.w.Take()
			r.check(ok, "-3 segments before the purge\n")
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t)
				r.start(true)
				synctest.Wait()
				story(r)
				r.end()
			})
		})
	}
}

// TestHealthJSON asks for JSON in both ways.
func TestHealthJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.put(2)
		r.monitor.Report()
		r.wait(90 * time.Second)
		const want = `{
  "healthy": false,
  "reasons": [
    "db0: stuck at 0:0 for 1m30s; the log ends at 0:400, 400 B ahead"
  ],
  "logs": [
    {
      "db": "db0",
      "acknowledged": "0:0",
      "end": "0:400",
      "lag_bytes": 400,
      "lag_segments": 0,
      "lag_seconds": 90,
      "still_seconds": 90,
      "segments_before_purge": 0,
      "segments": 1,
      "stalled": true
    }
  ]
}
`
		if live := r.get("/livez"); live.Code != http.StatusOK || live.Body.String() != "ok\n" {
			t.Errorf("/livez: %d, %q", live.Code, live.Body.String())
		}
		byHeader := httptest.NewRecorder()
		request := httptest.NewRequest(http.MethodGet, "/healthz", http.NoBody)
		request.Header.Set("Accept", "application/json")
		r.monitor.Handler().ServeHTTP(byHeader, request)
		for name, answer := range map[string]*httptest.ResponseRecorder{"header": byHeader, "query": r.get("/healthz?format=json")} {
			if diff := cmp.Diff(want, answer.Body.String()); diff != "" || answer.Code != failing || answer.Header().Get("Content-Type") != "application/json" {
				t.Errorf("%s: %d, -want +got:\n%s", name, answer.Code, diff)
			}
		}
		if got := r.get("/healthz?format=text").Body.String(); !strings.HasPrefix(got, "failing: ") {
			t.Errorf("as text: %s", got)
		}
	})
}

// TestLine shows the log that has most to go, and the speed.
func TestLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.start(false)
		check := func(want string) {
			t.Helper()
			if got := r.monitor.Line(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		check("db0 0:0  0 B to go  0 events/s  ok")
		r.put(10)
		r.follow()
		r.wait(2 * time.Second)
		check("db0 0:2000  0 B to go  5 events/s  ok")
		r.put(1)
		r.wait(250 * time.Millisecond)
		check("db0 0:2000  200 B to go  5 events/s  ok")
		r.wait(2 * time.Minute)
		check("db0 0:2000  200 B to go  0 events/s  db0: stuck at 0:2000 for 2m0s; the log ends at 0:2200, 200 B ahead")
		r.end()
	})
}

// TestLineOfManyLogs shows that which has most to go.
func TestLineOfManyLogs(t *testing.T) {
	var logs []health.LogStatus
	for i, behind := range []int64{5, 7 << 20, 6} {
		logs = append(logs, health.LogStatus{
			Log: &decode.Log{DB: fmt.Sprintf("db%d", i), Slot: -1}, End: decode.Position{Segment: 1},
			Behind: func(decode.Position) int64 { return behind }, Older: func(decode.Position) int64 { return 0 },
		})
	}
	m := health.New(health.Options{
		Stats: &stats.Stats{}, Source: func() []health.LogStatus { return logs },
	})
	if got, want := m.Line(), "3 logs, db1 0:0  7.0 MiB to go  0 events/s  ok"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestWatch shows four lines a second.
func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithTimeout(t.Context(), 1100*time.Millisecond)
		defer stop()
		var lines []string
		health.New(health.Options{Stats: &stats.Stats{}}).Watch(ctx, func(line string) { lines = append(lines, line) })
		const line = "0 events/s  ok"
		if diff := cmp.Diff([]string{line, line, line, line}, lines); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

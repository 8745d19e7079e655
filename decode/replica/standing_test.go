//go:build unix

package replica_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
)

// TestRole attaches anew to a server that has become another one in its group, and compares its log.
func TestRole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		l.put("SET", "key", "v")
		l.reads()
		l.master.Change(func(o *pikamaster.Options) { o.Role, o.Master = "slave", "10.0.0.2:9221" })
		time.Sleep(10 * time.Second)
		l.put("SET", "key", "w")
		l.reads()
		l.check()
		l.status(true, 1, "the server was master at server:9221, and is slave at server:9221 of 10.0.0.2:9221")
	})
}

// TestGroup notices that a log is of other servers, by the replication id that all of a group have: while it is read, and from a saved place on.
func TestGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		for _, id := range []string{"", "one", "one"} { // a server without replicas has none yet
			l.master.Change(func(o *pikamaster.Options) { o.ReplicationID = id })
			l.put("SET", "key", "v")
			time.Sleep(10 * time.Second)
			l.reads()
		}
		l.check()
		last := l.got.events[len(l.got.events)-1]
		l.master.Change(func(o *pikamaster.Options) { o.ReplicationID = "two" })
		l.master.Kill(false)
		hole := l.hole()
		if typeOf(hole) != "*decode.RewrittenError" || !strings.Contains(hole.Why(), "is two, and was one") {
			t.Errorf("%T: %v", hole, hole)
		}
		l.reads()
		if group := l.stream.Group(); group != "two" || len(l.got.holes) != 1 {
			t.Error(group, l.got.holes)
		}
		l.o.Group = "one"
		s := l.connect()
		defer s.Close()
		err := replica.Logs(s)[0].CheckFence(t.Context(), last.end, last.fence)
		if typeOf(err) != "*decode.RewrittenError" {
			t.Error(err)
		}
	})
}

// TestSettle stays away from a server that has just started, and from one that has lost all its other replicas, if it is counted as one.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{Visible: true, Replicas: []string{"10.0.0.2:9221"}}, func(o *link.Options) { o.Visible = true })
		began := time.Now()
		l.put("SET", "key", "v")
		l.open(replica.Start{})
		l.reads()
		if time.Since(began) < 30*time.Second {
			t.Errorf("attached after %v", time.Since(began))
		}
		time.Sleep(10 * time.Second)
		l.status(true, 0, "attached")
		l.master.Change(func(o *pikamaster.Options) { o.Replicas = nil })
		time.Sleep(10 * time.Second)
		l.status(false, 0, "no other replica left")
		time.Sleep(time.Minute)
		l.put("SET", "key", "w")
		l.reads()
		time.Sleep(time.Minute)
		l.status(true, 1, "sends the log again")
		l.check()
	})
}

// TestGone ends with what to do when a DB is not there any more.
func TestGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		l.put("SET", "key", "v")
		l.reads()
		l.master.Change(func(o *pikamaster.Options) { o.DBs = []pikamaster.DB{{Name: "db1", Dir: l.sim.Dir(), End: l.end}} })
		l.master.Kill(false)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var err error
		for err == nil {
			err = l.next(ctx)
		}
		if typeOf(err) != "*link.RefusedError" || !strings.Contains(err.Error(), "no DB db0 any more, but db1") {
			t.Error(err)
		}
	})
}

// TestOneName refuses one name for the connections of several DBs.
func TestOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, pikamaster.Options{DBs: []pikamaster.DB{{Name: "db0"}, {Name: "db1"}}})
		r.o.Visible, r.o.As = true, "10.0.0.9:9221"
		s := r.connect()
		defer s.Close()
		_, err := replica.Open(t.Context(), s, replica.Logs(s), true, nil)
		if typeOf(err) != "*link.RefusedError" {
			t.Error(err)
		}
	})
}

// TestGuard keeps the saved place from the purge where more was acknowledged while the end of the log was near.
func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{FileSize: 2000}, func(o *link.Options) { o.NoHold = false })
		l.open(replica.Start{})
		log := l.stream.Status()[0].Log
		grow := func(to uint32) {
			t.Helper()
			for l.end().Segment < to {
				l.put("SET", "key", strings.Repeat("v", 100))
			}
			time.Sleep(15 * time.Second)
		}
		acked := func(least, most uint32) {
			t.Helper()
			if p, ok := l.master.Acked("db0"); !ok || p.Segment < least || p.Segment > most {
				t.Fatalf("acknowledged up to %v, want %d to %d: %q", p, least, most, l.notes)
			}
		}
		grow(3)
		l.reads()
		saved := l.got.at
		l.stream.Delivered(log, saved)
		grow(7)
		l.reads()
		acked(7, 7)
		grow(14)
		acked(0, saved.Segment)
		if s := l.stream.Status()[0]; s.Held < int64(14-saved.Segment)*2000 || s.Reconnects > 0 {
			t.Errorf("%+v", s)
		}
		for l.got.at.Before(l.end()) {
			l.stream.Delivered(log, l.got.at)
			if err := l.readTo(l.end()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		l.stream.Delivered(log, l.got.at)
		time.Sleep(30 * time.Second)
		acked(14, 14)
		if list := l.master.Entries(); len(list) != 1 {
			t.Error(list)
		}
		l.check()
	})
}

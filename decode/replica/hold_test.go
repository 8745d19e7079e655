//go:build unix

package replica_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
)

// TestHold keeps what is not saved from the purge, and lets it go when it is, or when it is too much. While the hold lasts nothing new comes.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{FileSize: 2000}, func(o *link.Options) { o.NoHold = false })
		l.open(replica.Start{})
		log := l.stream.Status()[0].Log
		for range 1000 {
			l.put("SET", "key", "v")
		}
		for l.got.at.Before(l.end()) {
			saved := l.got.at
			l.stream.Delivered(log, saved)
			if err := l.readTo(l.end()); err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			if acked, ok := l.master.Acked("db0"); !ok || acked.Segment > saved.Segment+8 {
				t.Fatalf("acknowledged up to %v, saved is %v", acked, saved)
			}
		}
		l.stream.Delivered(log, l.got.at)
		time.Sleep(30 * time.Second) // a guard is forgotten after 20 s
		if acked, _ := l.master.Acked("db0"); acked != l.end() {
			t.Errorf("acknowledged up to %v of %v", acked, l.end())
		}
		if !l.noted("the server is made to keep what is between") || !l.noted("need not keep any more") {
			t.Error(l.notes)
		}
	})
}

// TestHoldLimit lets go of what is too much to be held, and says so.
func TestHoldLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{FileSize: 2000}, func(o *link.Options) { o.NoHold, o.HoldLimit = false, 20000 })
		l.open(replica.Start{})
		for range 1000 {
			l.put("SET", "key", "v")
		}
		l.reads()
		if s := l.stream.Status()[0]; !s.LetGo || !l.noted("hold-limit") {
			t.Error(s.LetGo, l.notes)
		}
	})
}

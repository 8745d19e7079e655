//go:build unix

package replica_test

import (
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
)

// TestStatus tells of each state of a connection, once.
func TestStatus(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		l.put("SET", "key", "v")
		l.reads()
		l.status(true, 0, "db0: attached to server:11221 (Pika 4.0.1, master) as pikabin-test-1-")
		l.master.Kill(true)
		time.Sleep(time.Minute)
		l.status(false, 0, "db0: the server does not send the log now, trying again: it has closed the connection")
		if s := l.stream.Status()[0]; s.Trouble == nil || time.Since(s.TroubleSince) != time.Minute {
			t.Errorf("trouble %v since %v", s.Trouble, time.Since(s.TroubleSince))
		}
		l.put("SET", "key", "w")
		l.master.Start()
		l.reads()
		time.Sleep(time.Second)
		l.status(true, 1, "attached to")
		l.status(true, 1, "db0: the server sends the log again")
		if len(l.notes) > 5 {
			t.Error(l.notes)
		}
	})
}

// status compares how the connection is, and what was said of it.
func (l *live) status(connected bool, reconnects int64, said string) {
	l.Helper()
	s := l.stream.Status()[0]
	if s.Connected != connected || s.Reconnects != reconnects || !l.noted(said) {
		l.Errorf("connected %v, %d times again, want %v, %d and %q:\n%q", s.Connected, s.Reconnects, connected, reconnects, said, l.notes)
	}
}

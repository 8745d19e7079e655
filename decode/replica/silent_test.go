//go:build unix

package replica_test

import (
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
)

// silence is what a server does not answer; empty: it answers all.
type silence struct {
	mu   sync.Mutex
	step string
}

func (s *silence) set(step string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.step = step
}

func (s *silence) ignores(command string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.step != "" && strings.HasPrefix(command, s.step)
}

func (s *silence) mangle(m *inner.Response) []*inner.Response {
	if s.ignores(m.GetType().String()) {
		return nil
	}
	return []*inner.Response{m}
}

// TestSilentSteps attaches to a server that gives no answer to one of the messages, for each of them: that connection is given up in bounded time, it is
// said, and all records come once the server answers again.
func TestSilentSteps(t *testing.T) {
	for step, ordinary := range map[string]bool{
		"AUTH": true, "INFO server": true, "INFO replication": true, "CONFIG GET consensus-level": true, "CONFIG GET instance-mode": true,
		"CONFIG GET binlog-file-size": true, "META_SYNC": false, "TRY_SYNC": false, "BINLOG_SYNC": false,
	} {
		t.Run(step, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var s silence
				l := newLive(t, pikasim.Options{}, pikamaster.Options{Version: "3.4.1", Password: "secret", Visible: true, Mangle: s.mangle, Ignores: s.ignores},
					func(o *link.Options) { o.Secret, o.Visible = "secret", true })
				l.put("SET", "key", "v")
				l.open(replica.Start{})
				l.reads()
				s.set(step)
				l.master.Kill(false)
				time.Sleep(5 * time.Minute)
				l.silent(ordinary)
				if step != "META_SYNC" { // which is not sent at a start
					l.startsIn(time.Minute)
				}
				s.set("")
				l.put("SET", "key", "w")
				l.reads()
				time.Sleep(time.Minute)
				l.check()
				if s := l.stream.Status()[0]; !s.Connected || s.Trouble != nil || !l.noted(" again") {
					t.Errorf("%+v: %q", s, l.notes)
				}
			})
		})
	}
}

// silent checks what is said and done while a server is silent, on its ordinary port or on that of replication.
func (l *live) silent(ordinary bool) {
	l.Helper()
	conns := l.attempts()
	s := l.stream.Status()[0]
	switch {
	case s.Trouble == nil:
		l.Errorf("%+v", s)
	case !errors.Is(s.Trouble, link.ErrTime) && !strings.Contains(s.Trouble.Error(), "nothing has come for "):
		l.Errorf("trouble %v", s.Trouble)
	case ordinary && (!s.Connected || conns != 2 || !l.noted("does not answer INFO")):
		l.Errorf("%+v, %d connections: %q", s, conns, l.notes)
	case !ordinary && (conns < 8 || conns > 40 || !l.noted("trying again")):
		l.Errorf("%+v, %d connections: %q", s, conns, l.notes)
	}
}

// startsIn begins another reading, which has to fail in bounded time.
func (l *live) startsIn(most time.Duration) {
	l.Helper()
	began := time.Now()
	last := l.got.events[len(l.got.events)-1]
	s, err := link.Connect(l.Context(), l.o)
	if err == nil {
		err = replica.Logs(s)[0].CheckFence(l.Context(), last.end, last.fence)
		_ = s.Close()
	}
	if !errors.Is(err, link.ErrTime) || time.Since(began) > most {
		l.Errorf("after %v: %v", time.Since(began), err)
	}
}

// deaf is a connection to a server that reads so many requests and no more.
type deaf struct {
	net.Conn
	unread net.Conn // which nobody reads

	mu    sync.Mutex
	reads int
}

func (d *deaf) Write(b []byte) (int, error) {
	d.mu.Lock()
	d.reads--
	reads := d.reads
	d.mu.Unlock()
	if reads < 0 {
		return d.unread.Write(b)
	}
	return d.Conn.Write(b)
}

func (d *deaf) SetWriteDeadline(t time.Time) error {
	return errors.Join(d.Conn.SetWriteDeadline(t), d.unread.SetWriteDeadline(t))
}

func (d *deaf) Close() error { return errors.Join(d.Conn.Close(), d.unread.Close()) }

// TestNeverReads reads from a server that takes connections and reads nothing, or no more than a few requests. Nothing is taken for missing.
func TestNeverReads(t *testing.T) {
	for reads := range 5 {
		for _, busy := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
				l.put("SET", "key", "v")
				l.open(replica.Start{})
				l.reads()
				wrap := func(wrap func(net.Conn) net.Conn) {
					l.rig.mu.Lock()
					defer l.rig.mu.Unlock()
					l.wrap = wrap
				}
				wrap(func(c net.Conn) net.Conn {
					unread, nobody := net.Pipe()
					t.Cleanup(func() { _ = nobody.Close() })
					return &deaf{Conn: c, unread: unread, reads: reads}
				})
				l.master.Kill(false)
				if busy {
					l.put("SET", "key", "w")
				}
				time.Sleep(5 * time.Minute)
				wrap(nil)
				s := l.stream.Status()[0]
				if reads < 2 && (s.Trouble == nil || !strings.Contains(s.Trouble.Error(), "has taken nothing of what was sent to it for 10s")) || l.attempts() < 5 {
					t.Errorf("%d, %v: %+v, %d connections", reads, busy, s, l.attempts())
				}
				l.put("SET", "key", "x")
				l.reads()
				l.check()
				if len(l.got.holes) > 0 || l.attempts() > 60 {
					t.Errorf("%d, %v: %v, %d connections", reads, busy, l.got.holes, l.attempts())
				}
			})
		}
	}
}

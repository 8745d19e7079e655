//go:build unix

package replica_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
)

// live is a server that is written to and read at once.
type live struct {
	*rig
	mu     sync.Mutex // of sim
	sim    *pikasim.Server
	server *link.Server
	stream *replica.Stream
	got    *reader
}

// newLive begins to read a log from a place.
func newLive(tb testing.TB, sim pikasim.Options, o pikamaster.Options, change func(*link.Options)) *live {
	tb.Helper()
	if sim.Region == 0 {
		sim.Region = 64 << 10
	}
	s, err := pikasim.Open(filepath.Join(tb.TempDir(), "log_db0"), sim)
	if err != nil {
		tb.Fatal(err)
	}
	l := &live{sim: s}
	o.DBs = []pikamaster.DB{{Name: "db0", Dir: s.Dir(), End: l.end}}
	l.rig = newRig(tb, o)
	if change != nil {
		change(&l.o)
	}
	tb.Cleanup(func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		_ = s.Close()
	})
	return l
}

func (l *live) end() decode.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.sim.Position()
}

// do changes the log.
func (l *live) do(change func(s *pikasim.Server) error) {
	l.Helper()
	l.mu.Lock()
	err := change(l.sim)
	l.mu.Unlock()
	if err != nil {
		l.Fatal(err)
	}
	l.master.Wake()
}

func (l *live) put(argv ...string) {
	l.Helper()
	l.do(func(s *pikasim.Server) error { return s.Command(argv...) })
}

// open begins to read.
func (l *live) open(from replica.Start) {
	l.Helper()
	l.server = l.connect()
	var err error
	l.stream, err = replica.Open(l.Context(), l.server, replica.Logs(l.server), true, func(_ context.Context, _ *replica.Log, late bool) (replica.Start, error) {
		if late {
			return replica.Start{}, nil
		}
		return from, nil
	})
	if err != nil {
		l.Fatal(err)
	}
	l.got = newReader(l)
	l.Cleanup(func() { _, _ = l.stream.Close(), l.server.Close() })
}

// readTo reads until a position was reached, or an error.
func (l *live) readTo(p decode.Position) error {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 10*time.Minute)
	defer cancel()
	for l.got.at.Before(p) {
		if err := l.next(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (l *live) next(ctx context.Context) error {
	chunk, err := l.stream.Next(ctx)
	if err == nil {
		err = l.got.take(&chunk)
	}
	return err
}

// reads reads to the end, which has to go well.
func (l *live) reads() {
	l.Helper()
	if err := l.readTo(l.end()); err != nil {
		l.Fatalf("at %v of %v: %v\n%s", l.got.at, l.end(), err, strings.Join(l.notes, "\n"))
	}
}

// hole reads until something is missing.
func (l *live) hole() decode.Hole {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 10*time.Minute)
	defer cancel()
	for n := len(l.got.holes); len(l.got.holes) == n; {
		if err := l.next(ctx); err != nil {
			l.Fatal(err, l.notes)
		}
	}
	return l.got.holes[len(l.got.holes)-1]
}

func (l *live) check() {
	l.Helper()
	same(l, ofFiles(l, l.sim.Dir(), decode.Position{}), l.got.events)
}

// versions are those that differ.
var versions = []string{"3.2.3", "3.2.9", "3.3.0", "3.3.6", "3.4.1", "3.5.0", "3.5.3", "3.5.5", "4.0.1"}

func generationOf(t *testing.T, version string) decode.Generation {
	t.Helper()
	g, err := decode.ParseGeneration(version)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// TestFollow follows a log through rotations, minutes of silence, restarts of the server and a disconnection.
func TestFollow(t *testing.T) {
	for i, version := range versions {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && i%3 > 0 {
				t.Skip("a sample")
			}
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t, pikasim.Options{SegmentSize: 2000, Generation: generationOf(t, version)}, pikamaster.Options{Version: version}, nil)
				l.open(replica.Start{})
				for i := range 60 {
					l.put("SET", "key", strings.Repeat("v", i*7))
					switch i % 10 {
					case 3:
						l.reads()
						time.Sleep(5 * time.Minute) // of the bubble
					case 7:
						l.master.Kill(false)
					case 9:
						l.do(func(s *pikasim.Server) error { return s.Restart() })
					}
				}
				l.reads()
				l.check()
				if l.conns > 20 {
					t.Errorf("%d connections: %s", l.conns, strings.Join(l.notes, "\n"))
				}
			})
		})
	}
}

// TestLarge reads records that are larger than the memory.
func TestLarge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{Region: 64 << 20}, pikamaster.Options{}, nil)
		l.put("SET", "small", "v")
		l.put("SET", "large", strings.Repeat("v", 5<<20))
		for range 30 {
			l.put("SET", "middle", strings.Repeat("v", 300<<10))
		}
		l.open(replica.Start{})
		l.reads()
		l.check()
	})
}

// TestReplaced names the ways in which a log is not what it was.
func TestReplaced(t *testing.T) {
	fullSync := func(to decode.Position) func(*pikasim.Server) error {
		return func(s *pikasim.Server) error { return s.FullSync(to) }
	}
	for name, c := range map[string]struct {
		change func(l *live)
		want   string
	}{
		"shorter": {func(l *live) {
			l.do(fullSync(decode.Position{Offset: 65536}))
			l.put("SET", "other", "v")
		}, "*decode.RewrittenError"},
		"longer": {func(l *live) {
			l.do(fullSync(decode.Position{Segment: 3, Offset: 65536}))
			l.put("SET", "other", "v")
			l.master.Kill(false)
		}, "*decode.RewrittenError"},
		"longer, with nothing between": {func(l *live) {
			l.do(fullSync(decode.Position{Segment: 40, Offset: 70000}))
			l.put("SET", "other", "v")
		}, "*decode.RewrittenError"},
		"longer, with segments that were not read before what is missing": {func(l *live) {
			l.master.Kill(true)
			for range 50 {
				l.put("SET", "key", "never sent")
			}
			l.do(fullSync(decode.Position{Segment: 40, Offset: 70000}))
			l.put("SET", "other", "v")
			l.master.Start()
		}, "*decode.RewrittenError"},
		"longer, without filler": {func(l *live) {
			l.do(fullSync(decode.Position{Segment: 40}))
			l.put("SET", "other", "v")
		}, "*decode.RewrittenError"},
		"same place": {func(l *live) {
			l.master.Kill(true) // a server that runs does not take back what it has sent
			l.do(func(s *pikasim.Server) error { return s.Truncate(l.got.events[len(l.got.events)-2].end) })
			l.put("SET", "key", "w")
			l.put("SET", "key", "w")
			l.master.Start()
		}, "*decode.RewrittenError"},
		"purged": {func(l *live) {
			l.master.Kill(true)
			for range 100 {
				l.put("SET", "key", "purged")
			}
			l.do(func(s *pikasim.Server) error { return s.Purge(2) })
			l.master.Start()
		}, "*decode.PurgedError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{}, nil)
				l.open(replica.Start{})
				for range 100 {
					l.put("SET", "key", "v")
				}
				l.reads()
				at := l.got.at
				c.change(l)
				hole := l.hole()
				_, from, to := hole.Hole()
				if kind := typeOf(hole); kind != c.want || from != at {
					t.Fatalf("%s from %v to %v: %v", kind, from, to, hole)
				}
				l.put("SET", "after", "v")
				l.reads()
				last := l.got.events[len(l.got.events)-1]
				if !strings.Contains(last.text, `"after"`) {
					t.Errorf("the last event is %s", last.text)
				}
			})
		})
	}
}

// TestSilence reads on from a server that says that it lives and sends no records for a while.
func TestSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet := false
		var mu sync.Mutex
		l := newLive(t, pikasim.Options{}, pikamaster.Options{Mangle: pikamaster.Mute(&mu, &quiet)}, nil)
		l.open(replica.Start{})
		l.put("SET", "key", "v")
		l.reads()
		mu.Lock()
		quiet = true
		mu.Unlock()
		l.put("SET", "key", "w")
		time.AfterFunc(3*time.Minute, func() {
			mu.Lock()
			defer mu.Unlock()
			quiet = false
		})
		l.reads()
		l.check()
		if !l.noted("trying again") {
			t.Error(l.notes)
		}
	})
}

// TestRefused names servers that cannot be read, and why.
func TestRefused(t *testing.T) {
	for want, o := range map[string]pikamaster.Options{
		"log folder":        {Version: "3.0.16"},
		"3.2.9":             {Version: "3.2.2"},
		"consensus-level 2": {Version: "3.4.1", Consensus: 2},
		"sharding mode":     {Version: "3.3.6", Mode: "sharding"},
		"let us in":         {Password: "secret"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, o)
			_, err := link.Connect(t.Context(), r.o)
			var refused *link.RefusedError
			if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: %v", want, err)
			}
		})
	}
}

// TestLogin reads with a password, and attached as a replica that the server counts.
func TestLogin(t *testing.T) {
	for _, visible := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := newLive(t, pikasim.Options{}, pikamaster.Options{Password: "secret", User: "reader", Visible: visible}, func(o *link.Options) {
				o.Secret, o.User, o.Visible = "secret", "reader", visible
			})
			l.put("SET", "key", "v")
			l.open(replica.Start{})
			l.reads()
			l.check()
		})
	}
}

// TestDown waits for a server that is away, with one attempt a second at most.
func TestDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		l.put("SET", "key", "v")
		l.reads()
		var attempts []time.Time
		var mu sync.Mutex
		l.rig.mu.Lock()
		l.wrap = func(c net.Conn) net.Conn {
			mu.Lock()
			defer mu.Unlock()
			attempts = append(attempts, time.Now())
			_ = c.Close()
			return c
		}
		l.rig.mu.Unlock()
		l.master.Kill(false)
		l.put("SET", "key", "w")
		time.Sleep(10 * time.Minute)
		mu.Lock()
		defer mu.Unlock()
		for i := 1; i < len(attempts); i++ {
			if pause := attempts[i].Sub(attempts[i-1]); pause < time.Second {
				t.Fatalf("two attempts within %v", pause)
			}
		}
		if len(attempts) < 50 {
			t.Errorf("%d attempts", len(attempts))
		}
		l.rig.mu.Lock()
		l.wrap = nil
		l.rig.mu.Unlock()
		l.reads()
		l.check()
	})
}

// TestStop ends the reading.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLive(t, pikasim.Options{}, pikamaster.Options{}, nil)
		l.open(replica.Start{})
		time.AfterFunc(time.Minute, l.stream.Stop)
		if _, err := l.stream.Next(t.Context()); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

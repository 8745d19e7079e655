//go:build unix

package replica_test

import (
	"context"
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

// group is a master that is written to and read, and a second server, which takes over when the first one is killed.
type group struct {
	*live
	second *pikamaster.Master

	mu  sync.Mutex
	own *pikasim.Server // the log of the second; nil: it has what the first has, but for the end
	lag decode.Position // where that ends; 0:0: it lags by nothing
}

func newGroup(t *testing.T, other bool) *group {
	t.Helper()
	g := &group{}
	g.live = newLive(t, pikasim.Options{SegmentSize: 2000}, pikamaster.Options{}, func(o *link.Options) { o.Hosts = []string{"server:9221", "second:9221"} })
	dir := g.sim.Dir()
	if other {
		var err error
		if g.own, err = pikasim.Open(filepath.Join(t.TempDir(), "log_db0"), pikasim.Options{SegmentSize: 2000, Region: 64 << 10}); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			_ = g.own.Close()
		})
		dir = g.own.Dir()
	}
	g.second = pikamaster.New(pikamaster.Options{
		DBs: []pikamaster.DB{{Name: "db0", Dir: dir, End: g.ends}}, Forbidden: func(text string) { t.Errorf("forbidden: %s", text) },
	})
	t.Cleanup(g.second.Stop)
	first := g.o.Dial
	g.o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if strings.HasPrefix(address, "second:") {
			return g.second.Dial(ctx, network, address)
		}
		return first(ctx, network, address)
	}
	return g
}

// ends is where the log of the second server ends.
func (g *group) ends() decode.Position {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.own != nil:
		return g.own.Position()
	case g.lag != decode.Position{}:
		return g.lag
	}
	return g.end()
}

func (g *group) lags(at decode.Position) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lag = at
}

// begin reads some of the first server, and ends it.
func (g *group) begin(value string) {
	g.Helper()
	g.open(replica.Start{})
	for range 50 {
		g.put("SET", "key", value)
	}
	g.reads()
	g.master.Kill(true)
}

// TestFailover reads on from a second server of the group: at once, and once it has what was read of the first. Nothing is missing and nothing comes twice.
func TestFailover(t *testing.T) {
	for name, lag := range map[string]time.Duration{"at once": 0, "later": 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, false)
			if lag > 0 {
				g.lags(decode.Position{Segment: 0, Offset: 71})
				time.AfterFunc(lag, func() { g.lags(decode.Position{}) })
			}
			g.begin("v")
			for range 50 {
				g.put("SET", "key", "of the second")
			}
			g.reads()
			g.check()
			if !g.noted("second:9221: this server is read now") || len(g.got.holes) > 0 {
				t.Errorf("%s: %v, %q", name, g.got.holes, g.notes)
			}
			g.second.Kill(true)
			g.master.Start()
			g.put("SET", "key", "of the first again")
			g.reads()
			g.check()
		})
	}
}

// TestFailoverLoses names what is lost where the second server does not have what was read of the first, or something else at its place.
func TestFailoverLoses(t *testing.T) {
	for name, c := range map[string]struct {
		other bool
		after time.Duration
		want  string
	}{
		"shorter": {false, 30 * time.Second, "the log already ends at"},
		"another": {true, 0, "fingerprint"},
	} {
		synctest.Test(t, func(t *testing.T) {
			g := newGroup(t, c.other)
			if c.other {
				for range 100 {
					if err := g.own.Command("SET", "key", "w"); err != nil {
						t.Fatal(err)
					}
				}
			} else {
				g.lags(decode.Position{Segment: 0, Offset: 71})
			}
			began := time.Now()
			g.begin("v")
			hole := g.hole()
			if typeOf(hole) != "*decode.RewrittenError" || !strings.Contains(hole.Why(), c.want) || time.Since(began) < c.after {
				t.Errorf("%s: %T after %v: %v", name, hole, time.Since(began), hole)
			}
		})
	}
}

// TestFailoverResume starts beside a second server that lags what an earlier run has read of the first: it is waited for.
func TestFailoverResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGroup(t, false)
		g.begin("v")
		_ = g.stream.Close()
		last := g.got.events[len(g.got.events)-1]
		g.lags(g.got.events[10].end)
		time.AfterFunc(20*time.Second, func() { g.lags(decode.Position{}) })
		s := g.connect()
		defer s.Close()
		if err := replica.Logs(s)[0].CheckFence(t.Context(), last.end, last.fence); err != nil {
			t.Error(err, g.notes)
		}
	})
}

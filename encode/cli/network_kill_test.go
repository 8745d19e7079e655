//go:build unix

package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/encode/cli/clitest"
)

// growing is a server whose log grows when put is called, or all the time.
type growing struct {
	*pikamaster.Master
	dir, address string // of the log, and of the server as a source

	mu  sync.Mutex
	sim *pikasim.Server
}

func newGrowing(t *testing.T) *growing {
	t.Helper()
	g := &growing{}
	var err error
	g.sim, err = pikasim.Open(filepath.Join(t.TempDir(), "log_db0"), pikasim.Options{SegmentSize: 20000, Region: 64 << 10})
	if err != nil {
		t.Fatal(err)
	}
	g.dir = g.sim.Dir()
	g.Master, g.address = serve(t, pikamaster.Options{DBs: []pikamaster.DB{{Name: "db0", Dir: g.dir, End: g.end}}, FileSize: 20000, Batch: 7}, "&start-timeout=1m")
	return g
}

func (g *growing) end() decode.Position {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sim.Position()
}

// put writes n records, of some keys in turn.
func (g *growing) put(t *testing.T, n int) {
	t.Helper()
	const keys = 20
	g.mu.Lock()
	for i := range n {
		if err := g.sim.Command("SET", fmt.Sprint("key", i%keys), strings.Repeat("v", 50)); err != nil {
			t.Error(err)
		}
	}
	g.mu.Unlock() // the server asks for the end of the log with its own lock held
	g.Wake()
}

// grow has the log grow until the function that it returns is called, so that whatever a test waits for comes, however much was read before it waited.
func (g *growing) grow(t *testing.T) (stop func()) {
	t.Helper()
	done := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				g.put(t, 1)
			}
		}
	})
	stop = sync.OnceFunc(func() {
		close(done)
		work.Wait()
	})
	t.Cleanup(stop)
	return stop
}

// TestNetworkKilled kills the run again and again with -9, and the server as well, while the log grows: with a state the output has each event once.
func TestNetworkKilled(t *testing.T) {
	t.Parallel()
	g := newGrowing(t)
	work := t.TempDir()
	out := filepath.Join(work, "out.jsonl")
	args := []string{"tail", g.address, "--from", "start", "--state", filepath.Join(work, "state"), "-o", out}
	random := rand.New(rand.NewPCG(11, 5))
	stop := g.grow(t)
	for range 8 {
		g.put(t, 200)
		p := clitest.Start(t, nil, args...)
		p.Event(work, random, 12)
		if random.IntN(2) == 0 {
			g.Kill(false)
			g.put(t, 100)
			p.Event(work, random, 12)
		}
		p.Kill()
	}
	stop()
	args[0] = "convert" // to the end
	clitest.Start(t, nil, args...).Exits(0)
	have, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want := runs(t, "convert", g.dir); !bytes.Equal(have, want) {
		t.Errorf("%s, want %s", counts(have), counts(want))
	}
}

func counts(b []byte) string {
	return fmt.Sprintf("%d bytes in %d lines", len(b), bytes.Count(b, []byte("\n")))
}

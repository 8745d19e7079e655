//go:build (s3 || etcd || hdfs) && unix

package torture

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

// reader is a bucket or a folder of a real server, as somebody sees it who reads it.
type reader interface {
	// list gives the names of what is there, each with what tells it from another object that has the name later.
	list(ctx context.Context) (map[string]string, error)
	open(ctx context.Context, name string) (io.ReadCloser, error)
}

// rig is what a consumer has seen.
type rig struct {
	reader

	target string            // the value of --output
	tags   map[string]string // of what was seen
	rows   map[string]string // which object a row is in, by its text
}

func newRig(c reader, target string) *rig {
	return &rig{reader: c, target: target, tags: map[string]string{}, rows: map[string]string{}}
}

// look lists once, and looks at every row of what is new: it is in no other object, and what was there is as it was.
func (r *rig) look(ctx context.Context) error {
	there, err := r.list(ctx)
	if err != nil {
		return err
	}
	for name, tag := range there {
		was, seen := r.tags[name]
		switch {
		case strings.Contains("/"+name, "/."):
		case seen && was != tag:
			return fmt.Errorf("%s has changed after it was there", name)
		case !seen:
			r.tags[name] = tag
			if err := r.read(ctx, name); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}

// read remembers the rows of an object.
func (r *rig) read(ctx context.Context, name string) error {
	text, err := r.text(ctx, name)
	if err != nil {
		return err
	}
	for line := range strings.Lines(text) {
		if other, twice := r.rows[line]; twice {
			return fmt.Errorf("a row is in %s, too: %.200s", other, line)
		}
		r.rows[line] = name
	}
	return nil
}

func (r *rig) text(ctx context.Context, name string) (string, error) {
	o, err := r.open(ctx, name)
	if err != nil {
		return "", err
	}
	defer o.Close()
	rows, err := unpack(filepath.Base(name), o)
	if err != nil {
		return "", err
	}
	text, err := io.ReadAll(rows)
	return string(text), err
}

// watch looks all the time until the function that it returns is called, which looks once more.
func (r *rig) watch(t *testing.T) (stop func() (listings int)) {
	t.Helper()
	done, listings := make(chan struct{}), 0
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			if err := r.look(t.Context()); err != nil {
				t.Error(err)
				return
			}
			listings++
			select {
			case <-done:
				return
			case <-time.After(20 * time.Millisecond): // a consumer, that leaves something to the others
			}
		}
	})
	return func() int {
		close(done)
		wg.Wait()
		if err := r.look(t.Context()); err != nil {
			t.Fatal(err)
		}
		return listings
	}
}

// names are the objects, in the order of the logs.
func (r *rig) names() []string { return slices.Sorted(maps.Keys(r.tags)) }

// holds compares what is there with what was committed: each record once, in order. It gives how many there are.
func (r *rig) holds(t *testing.T, h history) int {
	t.Helper()
	a := account{history: h, next: map[string]int{}}
	for _, name := range r.names() {
		text, err := r.text(t.Context(), name)
		if err == nil {
			err = a.takeAll(strings.NewReader(text), false)
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := a.complete(); err != nil {
		t.Error(err)
	}
	return a.records
}

// torture kills pikabin again and again, beside one that lists the place, and compares what is there in the end with what was
// committed: each record is there once, in order, and no listing has shown one twice.
func (g *rig) torture(t *testing.T) {
	t.Helper()
	r := newRound(t, scenario{
		name: "objects", output: g.target, args: []string{"--compress", "zstd", "--roll-size", "20KiB", "--roll-interval", "300ms"},
		writer: []string{"--value-size", "10..200", "--rate", "300", "--duration", "2h"},
		ends:   func(_ *clitest.Program, code int) bool { return code == exit.Interrupted }, // before the output was open
	}, roundDir(t), *tortureSeed)
	stop := g.watch(t)
	for deadline := time.Now().Add(*tortureTime); r.kills < max(*tortureKills, 20) && time.Now().Before(deadline) && !t.Failed(); {
		if r.random.IntN(20) == 0 {
			r.run(func(p *clitest.Program) {
				objectMoments[r.random.IntN(len(objectMoments))](r, p)
				p.Signal(syscall.SIGTERM)
			})
			r.stops++
			continue
		}
		r.run(func(p *clitest.Program) {
			objectMoments[r.random.IntN(len(objectMoments))](r, p)
			p.After(r.random, 5*time.Millisecond)
			r.kill(p)
		})
	}
	r.writer.Quit()
	r.run(func(*clitest.Program) {}, r.last()...)
	listings := stop()
	h := readHistory(t, r.journal(), r.log())
	records := g.holds(t, h)
	clitest.Start(t, nil, "verify-output", r.log(), g.target).Exits(0)
	t.Logf("%d kills, %d stops, %d listings, %d objects, %d of %d records, 0 missing, 0 twice", r.kills, r.stops, listings, len(g.tags), records, h.records())
}

// objectMoments are where a run is killed.
var objectMoments = []func(r *round, p *clitest.Program){
	func(r *round, p *clitest.Program) { p.After(r.random, 100*time.Millisecond) },
	func(r *round, p *clitest.Program) { p.After(r.random, 1500*time.Millisecond) },
	func(_ *round, p *clitest.Program) { p.Says(": from ") },
	func(r *round, p *clitest.Program) { r.saved(p) },
	func(r *round, p *clitest.Program) { r.saved(p); p.Event(r.state()+".spool", r.random, 40) }, // parts, and marks of what was sent
	func(r *round, p *clitest.Program) { r.saved(p); p.Event(r.state()+".spool", r.random, 40) },
}

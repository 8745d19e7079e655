package redis_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/positions"
)

const records = 40

func planned() binlog.PlanOptions { return binlog.PlanOptions{ChunkSize: 1 << 16} }

var once = map[string]string{"exactly-once": "true"}

// check compares what the server holds with what the log says.
func (f *fake) check(t *testing.T, when, trace string) {
	t.Helper()
	got, _ := f.Get("trace")
	sum, _ := f.Get("sum")
	if got != trace || sum != strconv.Itoa(records) {
		t.Fatalf("%s: sum %s, trace\n got %s\nwant %s", when, sum, got, trace)
	}
}

// checkRepeats allows that a part of the log was done again, from some place on. The fake ends no command that it has begun, so that one of a connection
// that is dead may come between.
func checkRepeats(t *testing.T, when, got string) {
	t.Helper()
	var all []int
	for word := range strings.SplitSeq(strings.TrimSuffix(got, ","), ",") {
		n, err := strconv.Atoi(word)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, n)
	}
	next := 0
	for i, n := range all {
		if n < next && i+1 < len(all) && all[i+1] == next {
			continue
		}
		if n > next {
			t.Fatalf("%s: %d follows %d: %s", when, n, next-1, got)
		}
		next = n + 1
	}
	if next != records {
		t.Fatalf("%s: the end is missing: %s", when, got)
	}
}

// ways cuts a connection at bytes of both ways, spread over all of a run.
func ways(t *testing.T, dir string, settings map[string]string, each func(f *fake, when string)) {
	t.Helper()
	f := newFake(t)
	if err := (&run{settings: settings}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	for way, name := range []string{"to", "from"} {
		all := int(f.carried[way].Load())
		for _, at := range sample.Of(sample.Spread(sample.Numbers(1, all, 1), 60), 10) {
			g := newFake(t)
			[]*atomic.Int64{&g.up, &g.down}[way].Store(int64(at))
			each(g, fmt.Sprintf("cut at byte %d of %d %s the server", at, all, name))
		}
	}
}

// TestOnceThroughCuts cuts a connection at any byte: each event is done once.
func TestOnceThroughCuts(t *testing.T) {
	dir, trace := counted(t, records)
	cuts := int64(0)
	ways(t, dir, once, func(f *fake, when string) {
		if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		cuts += f.cuts.Load()
		f.check(t, when, trace)
	})
	if cuts == 0 {
		t.Error("no connection was cut")
	}
}

// TestEndsThroughCuts: at least once, in order from some place on, and the rest of the state is right.
func TestEndsThroughCuts(t *testing.T) {
	dir, _ := counted(t, records)
	ways(t, dir, nil, func(f *fake, when string) {
		if err := (&run{}).convert(t, dir, f.target("")); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		got, _ := f.Get("trace")
		checkRepeats(t, when, got)
	})
}

// TestSilence: a server that answers nothing any more is given up after a time, and what it has not answered is done over another connection.
func TestSilence(t *testing.T) {
	dir, trace := counted(t, records)
	for _, settings := range []map[string]string{nil, once} {
		for _, at := range []int64{2, 5, 20, 90, 141} {
			f, r := newFake(t), &run{settings: settings}
			f.hush.Store(at)
			if err := r.convert(t, dir, f.target("&answer-timeout=100ms")); err != nil {
				t.Fatal(err)
			}
			got, _ := f.Get("trace")
			if checkRepeats(t, "silent", got); settings != nil {
				f.check(t, "silent", trace)
			}
			if said := r.monitor.String(); !strings.Contains(said, "it has not answered for 100ms (answer-timeout): trying again") {
				t.Errorf("silent at command %d: told %q", at, said)
			}
		}
	}
}

// TestOnceThroughKills ends a run at any byte, as a kill does, and begins another one that continues where the server says.
func TestOnceThroughKills(t *testing.T) {
	dir, trace := counted(t, records)
	ways(t, dir, once, func(f *fake, when string) {
		first := &run{settings: once, stop: make(chan struct{})}
		f.away.Store(false)
		lost := f.target("&close-timeout=1ms&start-timeout=100ms")
		first.monitor.OnWait = func(error) {
			if f.cuts.Load() > 0 && f.away.CompareAndSwap(false, true) {
				close(first.stop)
			}
		}
		_ = first.convert(t, dir, lost)
		f.away.Store(false)
		if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
			t.Fatalf("%s: %v", when, err)
		}
		f.check(t, when, trace)
	})
}

// TestStartTellsItsLimit: a server that does not answer at the start is not waited for until it helps, and that is not what is said.
func TestStartTellsItsLimit(t *testing.T) {
	dir, _ := counted(t, records)
	r := &run{}
	err := r.convert(t, dir, "redis://127.0.0.1:1?start-timeout=20ms")
	if said := r.monitor.String(); err == nil || !strings.Contains(said, "trying again for up to 20ms, the option start-timeout") || strings.Contains(said, "until it helps") {
		t.Errorf("%v: told %q", err, said)
	}
}

// TestErrorsThatPass lets commands fail in ways that are over some time later.
func TestErrorsThatPass(t *testing.T) {
	dir, trace := counted(t, records)
	for _, text := range []string{
		"LOADING Redis is loading the dataset in memory", "OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica.",
		"MISCONF Redis is configured to save RDB snapshots", "BUSY Redis is busy running a script", "NOREPLICAS Not enough good replicas to write.", "MASTERDOWN Link with MASTER is down",
		"NOAUTH Authentication required.", "ERR max number of clients reached",
	} {
		for _, settings := range []map[string]string{nil, once} {
			f, left := newFake(t), atomic.Int64{}
			left.Store(3)
			f.refusing(func(name string, _ []string) string {
				if name == "APPEND" && left.Add(-1) >= 0 {
					return text
				}
				return ""
			})
			r := &run{settings: settings}
			if err := r.convert(t, dir, f.target("")); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			if got, _ := f.Get("trace"); !strings.HasSuffix(got, trace) {
				t.Errorf("%s: got %s", text, got)
			}
			if !strings.Contains(r.monitor.String(), "trying again until it helps") {
				t.Errorf("%s: told %q", text, r.monitor.String())
			}
		}
	}
}

// TestLoadingKeepsOrder: a server that loads its data again after a restart takes no command before the first one that it has refused.
func TestLoadingKeepsOrder(t *testing.T) {
	dir, trace := counted(t, records)
	f := newFake(t)
	f.loads.Store(6) // up to the second record, if nobody asked before the first one
	f.up.Store(500)  // in the first record
	if err := (&run{}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	got, _ := f.Get("trace")
	checkRepeats(t, "loading", got)
	if !strings.HasSuffix(got, trace) {
		t.Errorf("got %s", got)
	}
	if left := f.loads.Load(); left > 0 {
		t.Errorf("%d commands fewer than planned came while it loaded", left)
	}
}

// TestRefusesClusters: a part of the keys is no place for a log.
func TestRefusesClusters(t *testing.T) {
	dir, _ := counted(t, records)
	for _, settings := range []map[string]string{nil, once} {
		f := newFake(t)
		f.refusing(func(name string, _ []string) string {
			if name == "SET" {
				return "MOVED 3999 127.0.0.1:6381"
			}
			return ""
		})
		err := (&run{settings: settings}).convert(t, dir, f.target(""))
		if _, ok := errors.AsType[*link.ClusterError](err); !ok {
			t.Error(err)
		}
	}
}

// TestTwoRuns: the later one takes over, and the former one ends.
func TestTwoRuns(t *testing.T) {
	dir, trace := counted(t, records)
	f := newFake(t)
	former := &run{settings: once}
	opened, err := openRun(t, former, f.target(""))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	err = former.into(t, dir, opened)
	if _, ok := errors.AsType[*positions.TakenError](err); !ok {
		t.Error(err)
	}
	f.check(t, "after two runs", trace)
}

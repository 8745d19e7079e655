package claim_test

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
	"pikabin/encode/claim/claimtest"
)

var (
	schedules = flag.Int("claim.schedules", 500, "how many schedules of runs that share a state are tried")
	seed      = flag.Uint64("claim.seed", 1, "of the first schedule")
)

const (
	ttl  = 10 * time.Second
	life = 12 * ttl // of a schedule
)

// TestSchedules lets two or three runs share a state, with calls that are lost, late or doubled, clocks of different rates, and runs that stand
// still or die at any call. What they show is disjoint and without holes, whoever shows it.
func TestSchedules(t *testing.T) {
	n := *schedules
	if testing.Short() {
		n = min(n, 200)
	}
	const lanes = 8
	var most sync.Mutex
	total := tally{}
	t.Run("all", func(t *testing.T) {
		for lane := range lanes {
			t.Run(strconv.Itoa(lane), func(t *testing.T) {
				t.Parallel()
				for i := lane; i < n; i += lanes {
					w := schedule(t, *seed+uint64(i), false)
					if w.wrong != "" {
						t.Fatalf("-claim.seed %d -claim.schedules 1: %s", *seed+uint64(i), w.wrong)
					}
					most.Lock()
					total.add(&w.tally)
					most.Unlock()
				}
			})
		}
	})
	t.Logf("%d schedules: %+v", n, total)
	if n >= 100 && (total.fenced == 0 || total.lost == 0 || total.late == 0 || total.stops == 0 || total.deaths == 0 || total.again == 0) {
		t.Errorf("the schedules are too tame: %+v", total)
	}
}

// TestShownTooEarly is the same with runs that show before they save, as one does who trusts in a lease: it must be caught.
func TestShownTooEarly(t *testing.T) {
	const most = 200
	for i := range uint64(most) {
		if w := schedule(t, *seed+i, true); w.wrong != "" {
			t.Logf("caught by schedule %d: %s", i+1, w.wrong)
			return
		}
	}
	t.Errorf("not one of %d schedules shows that it is wrong", most)
}

// tally is what has happened, to see that something has.
type tally struct{ claims, fenced, lost, late, stops, deaths, parts, again int }

func (t *tally) add(o *tally) {
	t.claims += o.claims
	t.fenced += o.fenced
	t.lost += o.lost
	t.late += o.late
	t.stops += o.stops
	t.deaths += o.deaths
	t.parts += o.parts
	t.again += o.again
}

// world is what the runs of a schedule share.
type world struct {
	tally
	early bool // the runs are wrong: they show before they save
	end   time.Time
	store claimtest.Memory
	work  sync.WaitGroup // of requests that are on their way

	mu    sync.Mutex
	shown map[int64]int64           // parts that a consumer sees: where they begin and end
	chain map[uint64]map[int64]bool // what was counted, by terms
	wrong string                    // the first thing that is
}

// part is what a run shows once it is counted.
type part struct{ From, To int64 }

// schedule runs one.
func schedule(t *testing.T, seed uint64, early bool) *world {
	t.Helper()
	w := &world{early: early, shown: map[int64]int64{}, chain: map[uint64]map[int64]bool{}}
	w.store.Replaced = w.replaced
	synctest.Test(t, func(t *testing.T) {
		rng := rand.New(rand.NewPCG(seed, 1))
		w.end = time.Now().Add(life)
		var all sync.WaitGroup
		for i := range 2 + rng.IntN(2) {
			r := newRunner(w, fmt.Sprintf("host-%d", i), rand.New(rand.NewPCG(seed, uint64(i)+2)))
			all.Go(r.run)
		}
		all.Wait()
		w.work.Wait()
		w.last(t.Context())
	})
	return w
}

func (w *world) fail(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.wrong == "" {
		w.wrong = fmt.Sprintf(format, args...)
	}
}

func positionIn(s *checkpoint.State) int64 { return s.DBs["db0"].Position.Offset }

// replaced looks at a link of the chain.
func (w *world) replaced(before, value []byte) {
	now, err := checkpoint.Parse(value)
	if err != nil {
		w.fail("a version that cannot be read: %v", err)
		return
	}
	w.mu.Lock()
	if w.chain[now.Run.Term] == nil {
		w.chain[now.Run.Term] = map[int64]bool{}
	}
	w.chain[now.Run.Term][positionIn(&now)] = true
	w.mu.Unlock()
	if before == nil {
		return
	}
	was, _ := checkpoint.Parse(before)
	switch {
	case now.Saves <= was.Saves:
		w.fail("save %d follows %d", now.Saves, was.Saves)
	case now.Run.Term != was.Run.Term && (now.Run.Term != was.Run.Term+1 || positionIn(&now) != positionIn(&was)):
		w.fail("term %d at %d follows term %d at %d", now.Run.Term, positionIn(&now), was.Run.Term, positionIn(&was))
	case now.Run.Term == was.Run.Term && now.Run.Holder != was.Run.Holder:
		w.fail("%s and %s have one term", was.Run.Holder, now.Run.Holder)
	}
}

// show lets consumers see a part. To see it once more is to see nothing.
func (w *world) show(p part) {
	w.mu.Lock()
	to, ok := w.shown[p.From]
	w.shown[p.From] = p.To
	w.parts++
	if ok {
		w.again++
	}
	w.mu.Unlock()
	if ok && to != p.To {
		w.fail("the part at %d ended at %d and ends at %d now", p.From, to, p.To)
	}
}

// last is the run after all others, which nothing befalls. It shows what they have not come to show, and then all has been shown once.
func (w *world) last(ctx context.Context) {
	held, err := claim.StandBy(ctx, claim.Options{Store: &w.store, Name: "memory", Holder: "last", TTL: ttl, Clock: &claimtest.Clock{}}, func(checkpoint.State) error { return nil })
	if err != nil {
		w.fail("the last run: %v", err)
		return
	}
	state, _ := held.State()
	for _, p := range noted(&state) {
		w.show(p)
	}
	if err := held.Close(); err != nil { //nolint:contextcheck // a claim has a life of its own
		w.fail("the last run: %v", err)
	}
	at := int64(0)
	for _, from := range slices.Sorted(maps.Keys(w.shown)) {
		if from != at {
			w.fail("a part begins at %d, and the one before it ends at %d", from, at)
		}
		at = w.shown[from]
	}
	if at != positionIn(&state) {
		w.fail("counted up to %d, shown up to %d", positionIn(&state), at)
	}
}

func noted(s *checkpoint.State) (parts []part) {
	if s.Note != nil {
		if err := json.Unmarshal(s.Note, &parts); err != nil {
			panic(err)
		}
	}
	return parts
}

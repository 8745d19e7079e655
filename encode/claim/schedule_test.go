package claim_test

import (
	"context"
	"encoding/json"
	"errors"
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

	"pikabin/decode"
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
	held, err := claim.StandBy(ctx, claim.Options{Store: &w.store, Name: "memory", Holder: "last", TTL: ttl}, func(checkpoint.State) {})
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

// runner is one process after another on one host.
type runner struct {
	*world
	name string
	rate float64 // of its clock

	mu     sync.Mutex
	rng    *rand.Rand
	still  time.Time // until then the process stands still
	dies   time.Time // and then all of its calls fail
	number int
}

func newRunner(w *world, name string, rng *rand.Rand) *runner {
	return &runner{world: w, name: name, rng: rng, rate: 0.5 + 1.5*rng.Float64()}
}

// Now implements claim.Clock.
func (r *runner) Now() time.Time {
	return time.Time{}.Add(time.Duration(float64(time.Since(r.end.Add(-life))) * r.rate)).Add(time.Hour)
}

// After implements claim.Clock.
func (r *runner) After(d time.Duration) <-chan time.Time {
	return time.After(time.Duration(float64(d) / r.rate))
}

// chance is true now and then.
func (r *runner) chance(percent int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rng.IntN(100) < percent
}

// some is a random time.
func (r *runner) some(most time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Duration(r.rng.Int64N(int64(most)))
}

var errDead = errors.New("the process was killed")

// gate is passed by each step of a process: here it stands still, or has died.
func (r *runner) gate() error {
	if r.chance(2) {
		r.mu.Lock()
		r.still = time.Now().Add(time.Duration(r.rng.Int64N(int64(3 * ttl))))
		r.mu.Unlock()
		r.count(func(t *tally) { t.stops++ })
	}
	r.mu.Lock()
	still := time.Until(r.still)
	r.mu.Unlock()
	if still > 0 {
		time.Sleep(still)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.dies.IsZero() && !time.Now().Before(r.dies) {
		return errDead
	}
	return nil
}

func (r *runner) count(add func(*tally)) {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	add(&r.tally)
}

// run is one process after another, until the schedule is over.
func (r *runner) run() {
	for time.Now().Before(r.end) {
		r.mu.Lock()
		r.number++
		r.dies, r.still = time.Time{}, time.Time{}
		if r.rng.IntN(2) == 0 {
			r.dies = time.Now().Add(time.Duration(r.rng.Int64N(int64(life / 2))))
		}
		holder := fmt.Sprintf("%s/%d", r.name, r.number)
		r.mu.Unlock()
		r.process(holder)
		if r.gate() != nil {
			r.count(func(t *tally) { t.deaths++ })
		}
		time.Sleep(r.some(ttl))
	}
}

// process waits for its turn, and works.
func (r *runner) process(holder string) {
	ctx, cancel := context.WithDeadline(context.Background(), r.end)
	defer cancel()
	held, err := claim.StandBy(ctx, claim.Options{Store: r, Name: "memory", Holder: holder, TTL: ttl, Clock: r}, func(checkpoint.State) {})
	if err != nil {
		return
	}
	defer held.Close()
	r.count(func(t *tally) { t.claims++ })
	state, _ := held.State()
	if r.display(noted(&state)) != nil {
		return
	}
	for at, left := positionIn(&state), []part(nil); ; {
		time.Sleep(r.some(ttl / 2))
		if r.gate() != nil || time.Now().After(r.end) || r.chance(3) {
			return
		}
		next := part{at, at + 1 + int64(r.some(9))}
		left, at = append(left, next), next.To // what a save that failed was to count is in the next one, too
		if r.early && r.display([]part{next}) != nil {
			return
		}
		switch err := save(held, left); {
		case held.Err() != nil:
			r.count(func(t *tally) { t.fenced++ })
			return
		case err != nil:
			continue
		case !r.counted(held.Term(), at):
			r.fail("%s was told that %d is counted, which is in no version", holder, at)
		}
		if r.display(left) != nil {
			return
		}
		left = nil
	}
}

func (r *runner) counted(term uint64, at int64) bool {
	r.world.mu.Lock()
	defer r.world.mu.Unlock()
	return r.chain[term][at]
}

// display shows parts, of which each is a step.
func (r *runner) display(parts []part) error {
	for _, p := range parts {
		if err := r.gate(); err != nil {
			return err
		}
		r.show(p)
	}
	return nil
}

func save(held *claim.Held, parts []part) error {
	note, err := json.Marshal(parts)
	if err != nil {
		return err
	}
	at := parts[len(parts)-1].To
	return held.Save(checkpoint.State{Note: note, DBs: map[string]checkpoint.Mark{"db0": {Position: decode.Position{Offset: at}}}})
}

// answer is what comes of a request.
type answer struct {
	value []byte
	name  string
	err   error
}

// call sends a request, which may be lost on its way there or back, and may take effect late or twice.
func (r *runner) call(ctx context.Context, do func() answer) answer {
	if err := r.gate(); err != nil {
		return answer{err: err}
	}
	delay, back := r.some(200*time.Millisecond), r.some(200*time.Millisecond)
	answered := make(chan answer, 1)
	lost := r.chance(10)
	silent := r.chance(10)
	twice := r.chance(5)
	if r.chance(10) {
		delay = r.some(2 * ttl)
		r.count(func(t *tally) { t.late++ })
	}
	if lost || silent {
		r.count(func(t *tally) { t.lost++ })
	}
	r.work.Go(func() {
		time.Sleep(delay)
		if lost {
			return
		}
		a := do()
		if twice {
			do()
		}
		time.Sleep(back)
		if !silent {
			answered <- a
		}
	})
	var a answer
	select {
	case a = <-answered:
	case <-ctx.Done():
		a.err = ctx.Err()
	}
	if err := r.gate(); err != nil {
		return answer{err: err}
	}
	return a
}

// Load implements claim.Store.
func (r *runner) Load(ctx context.Context) ([]byte, string, error) {
	a := r.call(ctx, func() (a answer) {
		a.value, a.name, a.err = r.store.Load(ctx)
		return a
	})
	return a.value, a.name, a.err
}

// Swap implements claim.Store.
func (r *runner) Swap(ctx context.Context, version string, value []byte) (string, error) {
	a := r.call(ctx, func() (a answer) {
		a.name, a.err = r.store.Swap(ctx, version, value)
		return a
	})
	return a.name, a.err
}

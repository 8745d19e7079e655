package claim_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
)

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
	held, err := claim.StandBy(ctx, claim.Options{Store: r, Name: "memory", Holder: holder, TTL: ttl, Clock: r}, func(checkpoint.State) error { return nil })
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

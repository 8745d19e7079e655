package checkpoint

import (
	"math/rand/v2"
	"testing"

	"pikabin/decode"
)

func at(n int) Mark { return Mark{Position: decode.Position{Segment: 1, Offset: int64(n)}} }

func TestTrackerHoldsAtTheFirstHole(t *testing.T) {
	tracker := NewTracker(at(0))
	first, second, third := tracker.Track(at(10)), tracker.Track(at(20)), tracker.Track(at(30))
	for _, step := range []struct {
		ack  func()
		want Mark
		left int
	}{{third, at(0), 3}, {first, at(10), 2}, {second, at(30), 0}} {
		step.ack()
		if got := tracker.Committed(); got != step.want {
			t.Errorf("committed %v, want %v", got, step.want)
		}
		if got := tracker.InFlight(); got != step.left {
			t.Errorf("%d in flight, want %d", got, step.left)
		}
	}
}

// TestTrackerAnyOrder acknowledges in random orders and compares with the longest run without a hole.
func TestTrackerAnyOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		n := 1 + rng.IntN(40)
		tracker := NewTracker(at(0))
		acks := make([]func(), n)
		for i := range acks {
			acks[i] = tracker.Track(at(i + 1))
		}
		acked := make([]bool, n+1)
		for _, i := range rng.Perm(n) {
			acks[i]()
			acked[i] = true
			run := 0
			for acked[run] {
				run++
			}
			if got := tracker.Committed(); got != at(run) {
				t.Fatalf("committed %v, want %v", got, at(run))
			}
		}
	}
}

// TestTrackerKeepsNothing: what is counted takes no memory, whether it is acknowledged at once or at the end of all.
func TestTrackerKeepsNothing(t *testing.T) {
	tracker := NewTracker(at(0))
	const n = 1 << 18
	acks := make([]func(), n)
	for i := range acks {
		acks[i] = tracker.Track(at(i + 1))
	}
	for _, ack := range acks {
		ack()
	}
	for i := range n {
		tracker.Track(at(n + i + 1))()
		if have := tracker.Capacity(); i > 0 && have > 1 {
			t.Fatalf("there is room for %d batches, and none is on its way", have)
		}
	}
}

func TestTrackerHoldMovesNothing(t *testing.T) {
	tracker := NewTracker(at(5))
	atOnce := tracker.Hold()
	first := tracker.Track(at(10))
	hold := tracker.Hold()
	second := tracker.Track(at(20))
	for i, step := range []struct {
		ack  func()
		want Mark
	}{{second, at(5)}, {first, at(5)}, {atOnce, at(10)}, {hold, at(20)}} {
		step.ack()
		if got := tracker.Committed(); got != step.want {
			t.Errorf("step %d: committed %v, want %v", i, got, step.want)
		}
	}
	again := tracker.Hold()
	again()
	again()
	if got := tracker.Committed(); got != at(20) {
		t.Errorf("committed %v, want %v", got, at(20))
	}
}

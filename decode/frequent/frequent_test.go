package frequent_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/frequent"
)

func number(i int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(i)) }

func TestExactWhileTheyAreFew(t *testing.T) {
	const keep = 1024
	var s, other frequent.Items
	for i := range keep {
		s.Add(number(i), int64(i), 1)
		other.Add(number(i), 1, 2)
	}
	s.Merge(&other)
	if s.Under() != 0 || s.Len() != keep {
		t.Fatalf("%d items, %d too low", s.Len(), s.Under())
	}
	want := frequent.Item{Text: number(keep - 1), Count: keep, Bytes: 3}
	if diff := cmp.Diff(want, s.Top(1)[0]); diff != "" {
		t.Errorf("the first (-want +got):\n%s", diff)
	}
}

// TestBounds counts streams of all kinds of skew beside a plain count, in one summary and in several that are merged: no count is too
// high, none is too low by more than is said, and that is within the promise.
func TestBounds(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) int{
		"uniform":   func(r *rand.Rand) int { return r.IntN(5000) },
		"all apart": func(r *rand.Rand) int { return r.IntN(1 << 30) },
		"skewed":    func(r *rand.Rand) int { return int(r.ExpFloat64() * 300) },
		"few":       func(r *rand.Rand) int { return r.IntN(50) },
	} {
		for _, lanes := range []int{1, 4} {
			const keep, events = 64, 10_000
			r := rand.New(rand.NewPCG(1, 2))
			truth := map[string]int64{}
			parts := make([]frequent.Items, lanes)
			for i := range events {
				text := number(draw(r))
				truth[string(text)]++
				part := &parts[i%lanes]
				part.Keep = keep
				part.Add(text, 1, 0)
			}
			all := frequent.Items{Keep: keep}
			for i := range parts {
				all.Merge(&parts[i])
			}
			check(t, name, &all, truth, events/keep)
		}
	}
}

func check(t *testing.T, name string, s *frequent.Items, truth map[string]int64, most int64) {
	t.Helper()
	if s.Under() > most || s.Len() > 2*s.Keep {
		t.Errorf("%s: %d items, %d too low, and the promise is %d", name, s.Len(), s.Under(), most)
	}
	found := map[string]int64{}
	for _, item := range s.Top(2 * s.Keep) {
		found[string(item.Text)] = item.Count
	}
	for text, count := range truth {
		if got := found[text]; got > count || got+s.Under() < count {
			t.Errorf("%s: %x came %d times, counted %d, said to be too low by %d at most", name, text, count, got, s.Under())
		}
	}
}

// TestLongItems are told apart by their hashes.
func TestLongItems(t *testing.T) {
	var s frequent.Items
	a, b := []byte("the same beginning, a"), []byte("the same beginning, b")
	s.AddHashed(frequent.Hash(a), a[:8], 1, 0)
	s.AddHashed(frequent.Hash(b), b[:8], 1, 0)
	s.AddHashed(frequent.Hash(a), a[:8], 1, 0)
	var counts []int64
	for _, item := range s.Top(10) {
		counts = append(counts, item.Count)
	}
	if !slices.Equal(counts, []int64{2, 1}) {
		t.Errorf("got %v", counts)
	}
}

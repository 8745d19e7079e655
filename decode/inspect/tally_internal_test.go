package inspect

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
)

// TestLargestOfEachKey counts random records in random pieces, and compares what is kept with a sort of all of them.
func TestLargestOfEachKey(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	logs := []*decode.Log{{DB: "db0", Slot: -1}, {DB: "db1", Slot: -1}}
	for range 200 {
		var total tally
		var all []sample
		for range 1 + random.IntN(6) {
			var piece tally
			for range random.IntN(40) {
				s := sample{log: logs[random.IntN(2)], begin: int64(len(all)) * 1000}
				s.end = s.begin + 1 + random.Int64N(60)
				key := fmt.Appendf(nil, "%sk%d", strings.Repeat("x", 140*random.IntN(2)), random.IntN(15))
				piece.sample(&s, key)
				s.key = key
				all = append(all, s)
			}
			total.merge(&piece)
		}
		slices.SortStableFunc(all, func(a, b sample) int { return cmp.Compare(b.size(), a.size()) })
		seen := map[string]bool{}
		all = slices.DeleteFunc(all, func(s sample) bool {
			key := s.log.DB + string(s.key)
			defer func() { seen[key] = true }()
			return seen[key]
		})
		all = all[:min(len(all), largestShown)]
		if !slices.EqualFunc(all, total.largest, func(a, b sample) bool { return a.begin == b.begin && a.log == b.log }) {
			t.Fatalf("kept %v, want %v", total.largest, all)
		}
	}
}

// TestQuotePath shows names as they are, but for what a terminal would take for a command or could not show.
func TestQuotePath(t *testing.T) {
	for name, want := range map[string]string{
		"/data/pika log/\u7528": "/data/pika log/\u7528", "a\x1b[2J": `"a\x1b[2J"`, "a\nb": `"a\nb"`, "\xff": `"\xff"`, "\u202e": `"\u202e"`,
	} {
		if got := quotePath(name); got != want {
			t.Errorf("%q: got %s, want %s", name, got, want)
		}
	}
}

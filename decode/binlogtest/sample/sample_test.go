package sample_test

import (
	"slices"
	"testing"

	"pikabin/decode/binlogtest/sample"
)

// TestSpread takes samples of all sizes: from the first to the last, at distances that differ by one at most.
func TestSpread(t *testing.T) {
	all := sample.Numbers(1, 100, 1)
	for n := 2; n <= 102; n++ {
		few := sample.Spread(all, n)
		if want := min(n, 100); len(few) != want || few[0] != 1 || few[want-1] != 100 {
			t.Fatalf("%d of 100: %v", n, few)
		}
		least, most := 100, 0
		for i := range few[1:] {
			least, most = min(least, few[i+1]-few[i]), max(most, few[i+1]-few[i])
		}
		if least < 1 || most > least+1 {
			t.Errorf("%d of 100: %v", n, few)
		}
	}
	if one := sample.Spread(all, 1); !slices.Equal(one, all[:1]) {
		t.Errorf("one of 100: %v", one)
	}
	if none := sample.Spread(all[:0], 3); len(none) > 0 {
		t.Errorf("of nothing: %v", none)
	}
}

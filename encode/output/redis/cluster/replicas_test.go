package cluster

import (
	"slices"
	"testing"
)

// TestSuccessions tells where a replica has taken over, and not where slots have moved.
func TestSuccessions(t *testing.T) {
	before := []string{"a", "a", "b", "b", "c", "c"}
	for _, test := range []struct {
		after []string
		want  []Succession
	}{
		{before, nil},
		{[]string{"a", "a", "d", "d", "c", "c"}, []Succession{{"b", "d"}}},
		{[]string{"e", "e", "d", "d", "c", "c"}, []Succession{{"a", "e"}, {"b", "d"}}},
		{[]string{"a", "a", "a", "a", "c", "c"}, nil}, // its slots have moved to one that had others
		{[]string{"a", "a", "d", "c", "c", "c"}, nil},
		{[]string{"a", "a", "b", "d", "c", "c"}, nil},
	} {
		if got := Successions(before, test.after); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, want %v", test.after, got, test.want)
		}
	}
	if got := Successions(nil, before); got != nil {
		t.Errorf("from nothing: %v", got)
	}
}

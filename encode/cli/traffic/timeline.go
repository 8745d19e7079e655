package traffic

import (
	"maps"
	"slices"
)

// maxSteps is how many steps of time are counted apart. When there are more the steps become longer.
const maxSteps = 1 << 15

// steps are the lengths that steps of time become, in seconds. Each is a multiple of the one before.
var steps = []int64{1, 5, 10, 30, 60, 300, 600, 1800, 3600, 6 * 3600, 86400, 7 * 86400}

// longer is the next length.
func longer(step int64) int64 {
	i, ok := slices.BinarySearch(steps, step)
	if ok {
		i++
	}
	if i < len(steps) && steps[i]%step == 0 {
		return steps[i]
	}
	return 2 * step
}

// StepFor is the shortest step of which so many, at most, make a span of seconds; false if none is long enough.
func StepFor(span, most int64) (step int64, ok bool) {
	for _, step := range steps {
		if span <= step*most {
			return step, true
		}
	}
	return 0, false
}

// timeline counts by time.
type timeline struct {
	step   int64
	counts map[int64]*Count // by the second in which a step begins
	begin  int64            // of the step that was asked for last
	last   *Count
}

// at gives the counter of a second.
func (t *timeline) at(second int64) *Count {
	if t.last != nil && second >= t.begin && second-t.begin < t.step {
		return t.last
	}
	for {
		begin := t.beginOf(second)
		found := t.counts[begin]
		if found == nil && len(t.counts) >= maxSteps {
			t.lengthen()
			continue
		}
		if found == nil {
			found = &Count{}
			t.counts[begin] = found
		}
		t.begin, t.last = begin, found
		return found
	}
}

func (t *timeline) beginOf(second int64) int64 {
	rest := second % t.step
	if rest < 0 {
		rest += t.step
	}
	return second - rest
}

// lengthen makes the steps longer.
func (t *timeline) lengthen() {
	t.step, t.last = longer(t.step), nil
	counts := map[int64]*Count{}
	for second, c := range t.counts {
		begin := t.beginOf(second)
		if counts[begin] == nil {
			counts[begin] = &Count{}
		}
		counts[begin].add(c.Events, c.Bytes)
	}
	t.counts = counts
}

// merge adds what another timeline has counted that began with the same step.
func (t *timeline) merge(other *timeline) {
	for t.step < other.step {
		t.lengthen()
	}
	for _, second := range sortedKeys(other.counts) {
		c := other.counts[second]
		t.at(second).add(c.Events, c.Bytes)
	}
}

func sortedKeys[K interface{ ~string | ~int64 }, V any](m map[K]V) []K {
	return slices.Sorted(maps.Keys(m))
}

package encode

import (
	"testing"

	"pikabin/encode/budget"
)

// TestPoolGivesTheLastFirst wants the parcels back in the reverse order, and none twice.
func TestPoolGivesTheLastFirst(t *testing.T) {
	const warm = 4
	p := newPool(budget.New(defaultMemory), nil, warm)
	taken := make([]*parcel, 2*warm)
	for i := range taken {
		taken[i] = p.get()
	}
	for _, b := range taken {
		p.put(b)
	}
	for i := warm - 1; i >= 0; i-- {
		if got := p.get(); got != taken[i] {
			t.Fatalf("the pool gave %p, and not %p that came back before", got, taken[i])
		}
	}
	for range warm {
		for _, b := range taken[:warm] {
			if p.get() == b {
				t.Fatal("a parcel that is in use was given again")
			}
		}
	}
}

package cluster

import (
	"slices"
	"testing"
)

// TestHosts finds a node at what it announces, at its address if it has no name to announce, and where the answer comes from if it knows neither.
func TestHosts(t *testing.T) {
	id := []byte("id")
	for want, node := range map[string][]any{
		"10.0.0.2:7": {[]byte("10.0.0.2"), int64(7), id},
		"n2:7":       {[]byte("n2"), int64(7), id, []any{[]byte("ip"), []byte("10.0.0.2")}},
		"10.0.0.3:7": {[]byte("?"), int64(7), id, []any{[]byte("ip"), []byte("10.0.0.3")}},
		"asked:7":    {nil, int64(7), id, []any{[]byte("ip"), []byte("10.0.0.3")}},
	} {
		owners := make([]string, Slots)
		if err := takeRange(owners, []any{int64(1), int64(2), node}, "asked:1"); err != nil || !slices.Equal(owners[:4], []string{"", want, want, ""}) {
			t.Errorf("%s: %v, %v", want, owners[:4], err)
		}
	}
}

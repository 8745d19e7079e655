package traffic

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/frequent"
)

// TestPrefixes counts random keys of few letters beside a plain count: many prefixes begin with the same bytes, are parts of each other, or are
// longer than their key would be without a delimiter.
func TestPrefixes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, delimiter := range []string{":", "::", "aa", "aba", "aabaa"} {
		want := map[string]Count{}
		parts := make([]prefixes, 3)
		for i := range parts {
			parts[i] = prefixes{delimiter: []byte(delimiter), items: frequent.Items{Keep: 1 << 12}}
		}
		for i := range 20_000 {
			key := make([]byte, r.IntN(10))
			for j := range key {
				key[j] = "aab:"[r.IntN(4)]
			}
			text := ""
			if before, _, found := bytes.Cut(key, []byte(delimiter)); found {
				text = string(before) + delimiter
			}
			want[text] = Count{want[text].Events + 1, want[text].Bytes + int64(i)}
			parts[r.IntN(len(parts))].add(key, int64(i))
		}
		all := prefixes{items: frequent.Items{Keep: 1 << 12}}
		for i := range parts {
			all.merge(&parts[i])
		}
		got := map[string]Count{}
		for _, item := range all.all().Top(1 << 13) {
			got[string(item.Text)] = Count{item.Count, item.Bytes}
		}
		if diff := cmp.Diff(want, got); diff != "" || all.items.Under() != 0 {
			t.Errorf("delimiter %q (-plain +counted, of which %d can be missing):\n%s", delimiter, all.items.Under(), diff)
		}
	}
}

// TestNamesOfCommands: one name has one count, also where some of its events are no understood ones of the command that is called so.
func TestNamesOfCommands(t *testing.T) {
	c := newCommands()
	c.known[0].add(3, 30)
	c.named([]byte(knownNames[0])).add(1, 5)
	c.named([]byte("made-up")).add(2, 7)
	sum := newCommands()
	sum.merge(&c)
	want := []Named{{knownNames[0], Count{4, 35}}, {"made-up", Count{2, 7}}}
	if diff := cmp.Diff(want, ordered(sum.list())); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

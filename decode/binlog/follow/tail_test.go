//go:build unix

package follow_test

import (
	"strconv"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest/pikasim"
)

var generations = []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G3, decode.G4, decode.G5}

func nameOf(g decode.Generation) string { return "G" + strconv.Itoa(int(g-decode.G0)) }

// TestTailReadsWhatIsCommitted while it is, step by step: the tail reads on after each store of the server.
func TestTailReadsWhatIsCommitted(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			var r *reader
			s := server(t, pikasim.Options{Generation: g, SegmentSize: 2000, Step: func(string) {
				if r != nil {
					r.catchUp()
				}
			}})
			r = tailOf(t, follow.Options{}, s.Dir())
			for i := range 40 {
				put(t, s, 1, i*i*53%70000)
				compare(t, committedItems(s), r.got)
				if t.Failed() {
					t.FailNow()
				}
			}
			must(t, s.Restart())
			put(t, s, 20, 900)
			compare(t, committedItems(s), r.got)
		})
	}
}

// TestTailSeesEveryMixture: the server is stopped after each of its stores, for as long as it takes to notice anything.
func TestTailSeesEveryMixture(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			var r *reader
			s := server(t, pikasim.Options{Generation: g, SegmentSize: 2000, Step: func(string) {
				if r != nil {
					r.drain()
				}
			}})
			put(t, s, 3, 900)
			r = tailOf(t, follow.Options{}, s.Dir())
			put(t, s, 12, 900)
			must(t, s.Rotate())
			put(t, s, 3, 100_000)
			compare(t, committedItems(s), r.drain())
		})
	}
}

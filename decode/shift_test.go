package decode_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// inBlock is how many records are in a block of TestShiftedBlocks.
const inBlock = 60

// TestShiftedBlocks: from somewhere on all records stand before the places that they name, and are cut where blocks end that do not
// begin at multiples of their size: so does a server write that has failed to write a fragment because its disk was full. All but
// the records across the ends of blocks come out, with one reader and with many, and none that was not written.
func TestShiftedBlocks(t *testing.T) {
	for _, g := range []decode.Generation{decode.G3, decode.G4, decode.G5} {
		for seed := range uint64(30) {
			t.Run(fmt.Sprintf("%s-%d", nameOf(g), seed), func(t *testing.T) {
				t.Parallel()
				rng := rand.New(rand.NewPCG(seed, 3))
				w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
				for i := range 600 {
					w.Command("SET", fmt.Sprint("key", i), strings.Repeat("v", rng.IntN(2500)))
				}
				written := wanted(g, w.Records())
				cut := written[20+rng.IntN(100)]
				lost := 1 + rng.Int64N(block-1)
				b := slices.Delete(slices.Clone(w.Bytes(0)), int(cut.Offset)+9, int(cut.Offset+9+lost))
				for _, blocks := range []int64{1, 3, 100} {
					s := newSalvage(t)
					s.read(b, whole(g, b), blocks*block)
					missing := 0
					for i := range written {
						if written[i].Offset > cut.Offset+lost && !s.hasPayload(written[i].Payload) {
							missing++
						}
					}
					// And in one block the ends may by chance look like those of others.
					if most := 2*len(b)/block + 4 + inBlock; missing > most {
						t.Errorf("%d blocks at once: %d of %d records are missing, want at most %d", blocks, missing, len(written), most)
					}
					onlyWritten(t, s.records, written)
				}
			})
		}
	}
}

// onlyWritten checks that each record is one of those that were written, and that they are in their order.
func onlyWritten(t *testing.T, got, written []decode.Record) {
	t.Helper()
	order := map[string]int{}
	for i := range written {
		order[string(written[i].Payload)] = i
	}
	last := -1
	for i := range got {
		at, ok := order[string(got[i].Payload)]
		if !ok || at <= last {
			t.Fatalf("record at %d: written %t, number %d after %d", got[i].Offset, ok, at, last)
		}
		last = at
	}
}

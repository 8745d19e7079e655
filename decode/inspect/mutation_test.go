package inspect_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/inspect"
)

// mutate does to a segment what bad disks, bad copies and bad luck do: flipped bits, holes, moved, foreign and missing
// bytes.
func mutate(r *rand.Rand, b []byte) []byte {
	for range 1 + r.IntN(30) {
		at := r.IntN(len(b))
		n := min(r.IntN(1000), len(b)-at)
		switch r.IntN(6) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at&^(decode.BlockSize-1)+r.IntN(8)] ^= 1 << r.IntN(8)
		case 2:
			clear(b[at:][:n])
		case 3:
			copy(b[at:][:n], b[r.IntN(len(b)):])
		case 4:
			for i := range n {
				b[at+i] = byte(r.Uint32())
			}
		default:
			b = append(b[:at:at], b[at+min(n/10, len(b)-at):]...)
		}
		b = append(b, make([]byte, max(16-len(b), 0))...)
	}
	return b
}

// TestMutatedLogs reads logs with many damages: nothing panics or hangs, no place is reported twice, and nothing depends
// on the number of workers.
func TestMutatedLogs(t *testing.T) {
	for seed := range uint64(36) {
		r := rand.New(rand.NewPCG(seed, 0))
		w := shortLog(decode.G0 + decode.Generation(seed%6))
		if seed%9 == 0 {
			w = longLog(decode.G0 + decode.Generation(seed%6))
		}
		dir := damaged(t, w, func(b []byte) []byte { return mutate(r, b) })
		one, lines := verify(t, find(t, dir), 1)
		many, linesMany := verify(t, find(t, dir), 4)
		if diff := cmp.Diff(one, many) + cmp.Diff(lines, linesMany); diff != "" {
			t.Errorf("seed %d: verify: %s", seed, diff)
		}
		disjoint(t, dir)
		table, json := info(t, dir, 1)
		tableMany, jsonMany := info(t, dir, 4)
		if diff := cmp.Diff(table+json, tableMany+jsonMany); diff != "" {
			t.Errorf("seed %d: info: %s", seed, diff)
		}
		log := find(t, dir)[0]
		if shown := strings.Count(show(t, log, inspect.ShowOptions{Count: 1 << 20}), "db0 0:"); shown == 0 && one.Records > 0 {
			t.Errorf("seed %d: no record is shown of %d", seed, one.Records)
		}
	}
}

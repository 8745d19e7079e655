package traffic

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"pikabin/decode"
)

// benchChanges are those of a log of small records: more keys than are kept, with few prefixes.
func benchChanges() []decode.Change {
	r := rand.New(rand.NewPCG(1, 2))
	argv := [][]byte{[]byte("set"), nil, make([]byte, 60)}
	set := decode.LookupCommand(argv[0])
	list := make([]decode.Change, 1<<18)
	for i := range list {
		argv[1] = fmt.Appendf(nil, "%s:%016d", []string{"user", "session:token", "cart:item", "counter:page"}[r.IntN(4)], r.IntN(1<<16))
		c := &list[i]
		set.Build(c, argv, 0)
		c.Offset, c.End, c.Time, c.Has = int64(i), int64(i+120), int64(i/1000), decode.HasTime
	}
	return list
}

// BenchmarkDigest makes digests, in batches as long as those of a chunk.
func BenchmarkDigest(b *testing.B) {
	list, i := benchChanges(), 0
	var dst []byte
	for b.Loop() {
		if i%4000 == 0 {
			dst = dst[:0]
		}
		dst = Encoder{}.AppendChange(dst, &list[i%500])
		i++
	}
}

// BenchmarkTake reckons digests.
func BenchmarkTake(b *testing.B) {
	const batch = 4000
	var batches [][]byte
	list := benchChanges()
	for begin := 0; begin+batch <= len(list); begin += batch {
		var dst []byte
		for i := range batch {
			dst = Encoder{}.AppendChange(dst, &list[begin+i])
		}
		batches = append(batches, dst)
	}
	t := newTotals(&rules{step: 60, delimiter: []byte(":"), top: 10})
	i := 0
	for b.Loop() {
		t.take(0, batches[i%len(batches)])
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/event")
}

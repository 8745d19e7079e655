package inspect

import (
	"bytes"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// chunkOf is a chunk with many records of all common kinds.
func chunkOf(g decode.Generation) *task {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	for range 1000 {
		w.Command("SET", "user:1", "value")
		w.Command("hset", "hash:1", "field", "value")
		w.Command("DEL", "a", "b", "c")
		w.Command("unknown", "argument")
		w.Command("zadd", "board", "1.5", "member")
	}
	b := w.Bytes(0)
	size := int64(len(b))
	log := &decode.Log{DB: "db0", Slot: -1}
	return &task{size: size, Chunk: decode.Chunk{
		Span:   decode.Span{Log: log, End: size, Limit: size, Final: true, Exact: true, Generation: g},
		Blocks: bytes.NewReader(b), Release: func() {},
	}}
}

// perChunk is how many allocations a chunk may cost, whatever the number of its records.
const perChunk = 60

func TestNoAllocationsPerRecord(t *testing.T) {
	for g := decode.G0; g <= decode.G5; g++ {
		walkers, err := newWalkers(1, &Options{}, true)
		if err != nil {
			t.Fatal(err)
		}
		chunk, checker, counting := chunkOf(g), &checker{}, &counting{}
		if n := testing.AllocsPerRun(5, func() { work(t.Context(), walkers[0], checker, chunk) }); n > perChunk {
			t.Errorf("G%d: checking costs %v allocations", g-decode.G0, n)
		}
		if n := testing.AllocsPerRun(5, func() { work(t.Context(), walkers[0], counting, chunk) }); n > perChunk {
			t.Errorf("G%d: counting costs %v allocations", g-decode.G0, n)
		}
	}
}

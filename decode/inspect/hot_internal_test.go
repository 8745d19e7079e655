package inspect

import (
	"bytes"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/units"
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

func TestPrefixesAreExactWhileTheyAreFew(t *testing.T) {
	var p, q prefixes
	for i := range keptPrefixes {
		p.add([]byte{byte(i), byte(i >> 8)}, int64(i), 1)
		q.add([]byte{byte(i), byte(i >> 8)}, 1, 2)
	}
	p.merge(&q)
	if p.under != 0 || len(p.counters) != keptPrefixes {
		t.Fatalf("%d counters, %d too low", len(p.counters), p.under)
	}
	top := p.top(1)[0]
	if top.Events != keptPrefixes || top.Bytes != 3 {
		t.Errorf("got %+v", top)
	}
}

func TestPrefixesKeepTheFrequentOnes(t *testing.T) {
	var p prefixes
	for i := range 100000 {
		p.add([]byte{1, byte(i), byte(i >> 8), byte(i >> 16)}, 1, 1)
		if i%10 == 0 {
			p.add([]byte("frequent:"), 1, 1)
		}
	}
	if len(p.counters) > 2*keptPrefixes {
		t.Errorf("%d counters", len(p.counters))
	}
	top := p.top(1)[0]
	if top.Prefix != "frequent:" || top.Events+p.under < 10000 || top.Events > 10000 {
		t.Errorf("got %+v, at most %d too low", top, p.under)
	}
}

func TestFormatSize(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 1536: "1.5 KiB", 1<<20 - 1: "1.0 MiB", 100 << 20: "100.0 MiB", 3 << 40: "3.0 TiB", 1 << 62: "4.0 EiB",
	} {
		if got := units.FormatSize(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -100: "-100", 1234567: "1,234,567"} {
		if got := group(n); got != want {
			t.Errorf("%d: got %s, want %s", n, got, want)
		}
	}
}

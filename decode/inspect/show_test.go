package inspect_test

import (
	"errors"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

// TestShowShapes shows what only a made-up log has: long records, a position inside one, and damage.
func TestShowShapes(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G5, SegmentSize: 1 << 20})
	w.Command("SET", "a", "b")
	w.Command("SET", "large\xff key", strings.Repeat("v", 400000))
	w.Padding(10, binlogtest.Put{})
	w.Empty()
	w.Command(append([]string{"DEL"}, strings.Split(strings.Repeat("key ", 40), " ")...)...)
	w.Put(binlogtest.Put{
		Commands: [][]string{{"PSETEX", "k", "1500", "v"}},
		Copied:   &binlogtest.Copied{LogicID: 7, Position: decode.Position{Segment: 3, Offset: 99}},
	})
	w.Command("pksetexat", "k", "1700000100", "v")
	w.Fill(3)
	w.Rotate()
	w.Command("SET", "next", "segment")
	records := w.Records()
	whole := find(t, written(t, w))[0]
	bad := find(t, damaged(t, w, func(b []byte) []byte {
		b[records[1].Offset+decode.BlockSize*2-70] ^= 0xff // a payload byte
		b[2*decode.BlockSize+7] = 9                        // the type of a middle fragment
		b[records[4].Offset+8+40] ^= 0xff                  // RESP
		return b
	}))[0]
	for _, test := range []struct {
		name    string
		log     *binlog.Log
		options inspect.ShowOptions
	}{
		{"shapes", whole, inspect.ShowOptions{}},
		{"inside", whole, inspect.ShowOptions{From: decode.Position{Offset: 200000}, Count: 1}},
		{"until", whole, inspect.ShowOptions{From: decode.Position{Offset: records[2].Offset}, Until: decode.Position{Offset: records[4].Offset}}},
		{"hex", whole, inspect.ShowOptions{From: decode.Position{Offset: records[1].Offset}, Count: 1, Hex: true}},
		{"damage", bad, inspect.ShowOptions{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			golden(t, "show-"+test.name+".txt", show(t, test.log, test.options))
		})
	}
}

// TestShowEveryOffset wants the record that holds each offset of a block, or the next one after a trailer.
func TestShowEveryOffset(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 40 {
		w.Command("SET", "k", strings.Repeat("x", i*300))
		w.Fill(i % 9)
	}
	log := find(t, written(t, w))[0]
	records := w.Records()
	for offset := int64(0); offset < log.Committed().Offset; offset += 997 {
		i := 0
		for records[i].End <= offset {
			i++
		}
		got := show(t, log, inspect.ShowOptions{From: decode.Position{Offset: offset}, Count: 1})
		want := "db0 " + decode.Position{Offset: records[i].Offset}.String() + " to "
		if offset > 0 && !strings.Contains(got, want) {
			t.Fatalf("at %d: got %s, want %s", offset, got, want)
		}
		if inside := strings.Contains(got, "lies inside"); inside != (offset > records[i].Offset) {
			t.Errorf("at %d: inside is %v", offset, inside)
		}
	}
}

func TestShowBeyondTheEnd(t *testing.T) {
	log := find(t, written(t, shortLog(decode.G5)))[0]
	var out strings.Builder
	err := inspect.Show(t.Context(), &out, log, inspect.ShowOptions{From: decode.Position{Offset: 1 << 30}})
	if _, ok := errors.AsType[*decode.BeyondError](err); !ok {
		t.Errorf("got %v", err)
	}
}

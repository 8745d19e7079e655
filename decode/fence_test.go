package decode_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// twoSides writes the same commands as two servers do whose clocks and counters differ.
func twoSides(g decode.Generation, sizes ...int) (a, b *binlogtest.Writer) {
	a = binlogtest.NewWriter(binlogtest.Options{Generation: g})
	b = binlogtest.NewWriter(binlogtest.Options{Generation: g, Time: 1800000000, Origin: 7})
	for i, n := range sizes {
		for _, w := range []*binlogtest.Writer{a, b} {
			w.Command("SET", fmt.Sprintf("key%d", i), strings.Repeat("v", n))
		}
	}
	return a, b
}

func fenceOf(t *testing.T, w *binlogtest.Writer, r *binlogtest.Want, g decode.Generation) decode.Fence {
	t.Helper()
	f, err := decode.NewFence(bytes.NewReader(w.Bytes(r.Segment)), r.Offset, r.End, g)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFenceOnAReplica compares records that differ in nothing but the headers that each server stamps: every byte counts in
// Bytes, and only the command in Content.
func TestFenceOnAReplica(t *testing.T) {
	sizes := []int{0, 1, 100, 4000, 4096, 5000, decode.BlockSize - 60, 0, 3*decode.BlockSize - 1000, 2, 2 * decode.BlockSize, 9}
	for _, g := range []decode.Generation{decode.G1, decode.G3, decode.G4, decode.G5} {
		t.Run(fmt.Sprint("G", g), func(t *testing.T) {
			a, b := twoSides(g, sizes...)
			here, there := a.Records(), b.Records()
			seen := map[decode.Sum]int64{}
			for i := range here {
				x, y := fenceOf(t, a, &here[i], g), fenceOf(t, b, &there[i], g)
				if x.Bytes == y.Bytes || x.Content != y.Content || x.Record != here[i].Offset {
					t.Errorf("record at %d: %+v and %+v", here[i].Offset, x, y)
				}
				if other, ok := seen[x.Content]; ok {
					t.Errorf("records at %d and %d have the same content", other, here[i].Offset)
				}
				seen[x.Content] = here[i].Offset
			}
		})
	}
}

// TestFenceSeesEveryByte changes one byte after another before the position.
func TestFenceSeesEveryByte(t *testing.T) {
	w, _ := twoSides(decode.G5, 10, 2000, 30)
	r := w.Records()[2]
	data := bytes.Clone(w.Bytes(0))
	want := fenceOf(t, w, &r, decode.G5)
	for i := range data {
		data[i] ^= 1
		got, err := want.Again(bytes.NewReader(data), r.End, decode.G5)
		inContent := int64(i) >= r.Offset+8+34
		if err != nil || got.Bytes == want.Bytes || (got.Content != want.Content) != inContent {
			t.Errorf("byte %d changed: %+v, %v", i, got, err)
		}
		data[i] ^= 1
	}
}

func TestFenceWithoutARecord(t *testing.T) {
	w, _ := twoSides(decode.G5, 10, 20)
	r := w.Records()[1]
	src := bytes.NewReader(w.Bytes(0))
	if f, err := decode.NewFence(src, -1, 0, decode.G5); f != (decode.Fence{}) || err != nil {
		t.Errorf("at the start of a segment: %+v, %v", f, err)
	}
	f, err := decode.NewFence(src, -1, r.End, decode.G5)
	if want := fenceOf(t, w, &r, decode.G5); err != nil || f.Bytes != want.Bytes || f.Content != (decode.Sum{}) {
		t.Errorf("got %+v, %v", f, err)
	}
	if again, err := f.Again(src, r.End, decode.G5); again != f || err != nil {
		t.Errorf("again: %+v, %v", again, err)
	}
	if _, err := decode.NewFence(src, -1, r.End+1, decode.G5); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("after the end: %v", err)
	}
}

func TestFenceText(t *testing.T) {
	w, _ := twoSides(decode.G5, 10)
	r := w.Records()[0]
	f := fenceOf(t, w, &r, decode.G5)
	text, err := json.Marshal(f)
	var back decode.Fence
	if err = errors.Join(err, json.Unmarshal(text, &back)); err != nil || back != f {
		t.Errorf("%s: %+v, %v", text, back, err)
	}
	if text, err := json.Marshal(decode.Fence{}); err != nil || string(text) != "{}" {
		t.Errorf("%s, %v", text, err)
	}
	for _, bad := range []string{`"00"`, `"zz"`, `"` + strings.Repeat("g", 32) + `"`, `"` + strings.Repeat("0", 33) + `"`} {
		if err := json.Unmarshal([]byte(bad), new(decode.Sum)); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

package binlogtest_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

func TestFullSyncFilling(t *testing.T) {
	const block = decode.BlockSize
	tests := []struct {
		name       string
		generation decode.Generation
		offset     int64
		size       int   // of the file
		position   int64 // in the manifest
		records    int
	}{
		{"blank, nothing below 4", decode.G1, 3, 0, 0, 0},
		{"blank, header does not fit", decode.G1, 7, 0, 7, 0},
		{"blank, only a header", decode.G1, 8, 8, 8, 1},
		{"blank, four-byte header", decode.G0, 4, 4, 4, 1},
		{"blank, rest of a block", decode.G2, 2*block + 100, 2*block + 100, 2*block + 100, 3},
		{"blank, whole blocks end a block early", decode.G2, 2 * block, block + 8, 2 * block, 2},
		{"blank, rest shorter than a header", decode.G2, 2*block + 5, 2*block + 8, 2*block + 5, 3},
		{"items, header does not fit", decode.G3, 7, 0, 7, 0},
		{"items, smallest", decode.G3, 69, 69, 69, 1},
		{"items, too small", decode.G3, 68, 0, 0, 0},
		{"items, last step too small", decode.G3, block + 68, block, block, 1},
		{"items, rest of a block", decode.G3, block + 100, block + 100, block + 100, 2},
		{"type 6, smallest", decode.G4, 8, 8, 8, 1},
		{"type 6, whole block", decode.G4, block, block, block, 1},
		{"type 6, last step too small", decode.G5, block + 7, block, block, 1},
		{"type 6, rest of a block", decode.G5, block + 8, block + 8, block + 8, 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := decode.Position{Segment: 3, Offset: tt.offset}
			w := binlogtest.NewWriter(binlogtest.Options{Generation: tt.generation, Start: start})
			if got := len(w.Bytes(3)); got != tt.size {
				t.Errorf("file has %d bytes, want %d", got, tt.size)
			}
			if got := w.Position(); got != (decode.Position{Segment: 3, Offset: tt.position}) {
				t.Errorf("manifest says %v, want 3:%d", got, tt.position)
			}
			records := w.Records()
			if len(records) != tt.records {
				t.Fatalf("%d records, want %d", len(records), tt.records)
			}
			var end int64
			for _, r := range records {
				if r.Offset != end || r.Segment != 3 {
					t.Errorf("record is at %d:%d, want 3:%d", r.Segment, r.Offset, end)
				}
				end = r.End
			}
			if end != int64(tt.size) {
				t.Errorf("records end at %d, want %d", end, tt.size)
			}
		})
	}
}

func TestFillingBytes(t *testing.T) {
	item := "0100 00000000 00000000 0000000000000000 00000000 0000000000000000 1d000000 " + `'*2\r\n$7\r\npadding\r\n$00002\r\n**\r\n'`
	tests := []struct {
		generation decode.Generation
		offset     int64
		want       string
	}{
		{decode.G0, 6, "020000 01 '  '"},
		{decode.G1, 10, "020000 00f15365 01 '  '"},
		{decode.G3, 71, "3f0000 00f15365 01" + item},
		{decode.G5, 10, "020000 00f15365 06 '**'"},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("G%d", tt.generation-decode.G0), func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: tt.generation, Start: decode.Position{Segment: 1, Offset: tt.offset}})
			if diff := cmp.Diff(unhex(t, tt.want), w.Bytes(1)); diff != "" {
				t.Errorf("segment (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBlankBlockHasNoHeader(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G1, Start: decode.Position{Offset: decode.BlockSize + 9}})
	if !bytes.Equal(w.Bytes(0)[:decode.BlockSize], bytes.Repeat([]byte{' '}, decode.BlockSize)) {
		t.Error("first block is not all spaces")
	}
	r := w.Records()
	if r[0].Kind != binlogtest.KindFiller || r[1].Kind != binlogtest.KindSpaces || string(r[1].Payload) != " " {
		t.Errorf("records are %+v", r)
	}
}

func TestFullSyncInTheMiddle(t *testing.T) {
	for g, logicID := range map[decode.Generation]uint64{decode.G3: 4 + 2 + 4%3, decode.G5: 1} { // 3.0: that of the master
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, SegmentSize: 71})
		for range 4 { // segments 0 and 1, two records each
			w.Command("SET", "s1", "v1")
		}
		w.Rotate() // segment 2
		w.FullSync(decode.Position{Segment: 1, Offset: 100})
		w.Command("SET", "s1", "v1")
		var numbers []uint32
		for _, s := range w.Segments() {
			numbers = append(numbers, s.Number)
		}
		if diff := cmp.Diff([]uint32{1, 2}, numbers); diff != "" {
			t.Errorf("segments (-want +got):\n%s", diff)
		}
		r := w.Records()
		last := r[len(r)-1]
		if len(r) != 2 || last.LogicID != logicID || last.Prev != (decode.Position{Segment: 1, Offset: 100}) {
			t.Errorf("%d records, the last is %+v; want 2 and logic id %d", len(r), last, logicID)
		}
	}
}

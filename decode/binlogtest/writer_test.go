package binlogtest_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// unhex reads hex digits, of which those in 'single quotes' are text.
func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, strings.NewReplacer(`\r`, "\r", `\n`, "\n").Replace(part)...)
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(part), ""))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, b...)
	}
	return out
}

func TestFirstRecord(t *testing.T) {
	const set = `'*3\r\n$3\r\nSET\r\n$2\r\ns1\r\n$2\r\nv1\r\n'`
	tests := []struct {
		generation decode.Generation
		origin     uint32
		want       string
	}{
		{decode.G0, 0, "1d0000 01" + set},
		{decode.G1, 0, "1d0000 cc03036b 01" + set},
		{decode.G2, 7, `570000 cc03036b 01 '*7\r\n$3\r\nSET\r\n$2\r\ns1\r\n$2\r\nv1\r\n$14\r\n__PIKA_X#$SKGI\r\n$1\r\n7\r\n$16\r\n'` +
			`cc03036b 00000000 0000000000000000 '\r\n$1\r\n1\r\n'`},
		{decode.G3, 7, "3f0000 cc03036b 01 0100 cc03036b 07000000 0000000000000000 00000000 0000000000000000 1d000000" + set},
		{decode.G4, 0, "3f0000 cc03036b 01 0100 cc03036b 00000000 0100000000000000 00000000 0000000000000000 1d000000" + set},
		{decode.G5, 5, "3f0000 cc03036b 01 0100 cc03036b 05000000 0100000000000000 00000000 0000000000000000 1d000000" + set},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("G%d", tt.generation-decode.G0), func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: tt.generation, Origin: tt.origin, Time: 0x6b0303cc})
			w.Command("SET", "s1", "v1")
			if diff := cmp.Diff(unhex(t, tt.want), w.Bytes(0)); diff != "" {
				t.Errorf("segment (-want +got):\n%s", diff)
			}
		})
	}
}

// TestBlockEnd writes one byte so that left bytes of the first block remain, then "ab".
func TestBlockEnd(t *testing.T) {
	tests := []struct {
		left   int
		want   string // what follows the first record
		offset int64
	}{
		{left: 0, want: "020000 00f15365 01 'ab'", offset: 65536},
		{left: 1, want: "00 020000 00f15365 01 'ab'", offset: 65536},
		{left: 7, want: "00000000000000 020000 00f15365 01 'ab'", offset: 65536},
		{left: 8, want: "000000 00f15365 02 020000 00f15365 04 'ab'", offset: 65528},
		{left: 9, want: "010000 00f15365 02 'a' 010000 00f15365 04 'b'", offset: 65527},
		{left: 10, want: "020000 00f15365 01 'ab'", offset: 65526},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%d bytes left", tt.left), func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{})
			w.Record(make([]byte, decode.BlockSize-8-tt.left))
			end := w.Position()
			w.Record([]byte("ab"))
			if diff := cmp.Diff(unhex(t, tt.want), w.Bytes(0)[end.Offset:]); diff != "" {
				t.Errorf("second record (-want +got):\n%s", diff)
			}
			r := w.Records()[1]
			if r.Offset != tt.offset || r.Prev != end || r.End != w.Position().Offset {
				t.Errorf("record is at %d to %d after %v, want %d to %v after %v", r.Offset, r.End, r.Prev, tt.offset, w.Position(), end)
			}
		})
	}
}

func TestBlockEndOfFourByteHeaders(t *testing.T) {
	for left, want := range map[int]string{
		3: "000000 020000 01 'ab'",
		4: "000000 02 020000 04 'ab'",
		5: "010000 02 'a' 010000 04 'b'",
	} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G0})
		w.Record(make([]byte, decode.BlockSize-4-left))
		w.Record([]byte("ab"))
		if diff := cmp.Diff(unhex(t, want), w.Bytes(0)[decode.BlockSize-left:]); diff != "" {
			t.Errorf("%d bytes left (-want +got):\n%s", left, diff)
		}
	}
}

func TestEmptyRecordTakesALogicID(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G4})
	w.Empty()
	w.Command("SETNX", "k", "v")
	if got := w.Bytes(0)[:8]; !bytes.Equal(got, unhex(t, "000000 00f15365 01")) {
		t.Errorf("empty record is % x", got)
	}
	if got := w.Records()[1].LogicID; got != 2 {
		t.Errorf("record after the empty one has logic id %d, want 2", got)
	}
}

func TestRecordOverManyBlocks(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Record(make([]byte, 3*65528+1))
	var types []byte
	for b := w.Bytes(0); len(b) > 0; b = b[min(decode.BlockSize, len(b)):] {
		types = append(types, b[7])
	}
	if diff := cmp.Diff([]byte{2, 3, 3, 4}, types); diff != "" {
		t.Errorf("types (-want +got):\n%s", diff)
	}
	if r := w.Records()[0]; r.Fragments != 4 || r.End != 3*65536+9 {
		t.Errorf("record has %d fragments and ends at %d, want 4 and %d", r.Fragments, r.End, 3*65536+9)
	}
}

func TestRotationIsStrictlyAboveTheSize(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 71})
	w.Command("SET", "s1", "v1") // ends at 71 exactly
	w.Command("SET", "s1", "v2")
	w.Command("SET", "s1", "v3")
	if got, want := w.Position(), (decode.Position{Segment: 1, Offset: 71}); got != want {
		t.Fatalf("position is %v, want %v", got, want)
	}
	item := w.Bytes(1)[8:]
	want := unhex(t, "0100 00f15365 00000000 0300000000000000 00000000 8e00000000000000")
	if !bytes.HasPrefix(item, want) {
		t.Errorf("first item of the new segment is\n% x, want it to name 0:142\n% x", item[:30], want)
	}
}

func TestRotateLeavesAnEmptySegment(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G3})
	w.Command("SET", "s1", "v1")
	w.Rotate()
	want := append(unhex(t, "01000000 0000000000000000 0100000000000000"), make([]byte, 65516)...)
	if diff := cmp.Diff(want, w.Manifest()); diff != "" {
		t.Errorf("manifest (-want +got):\n%s", diff)
	}
	if s := w.Segments(); len(s) != 2 || len(s[1].Bytes) != 0 {
		t.Errorf("segments are %v", s)
	}
}

func TestManifestLayouts(t *testing.T) {
	for g, want := range map[decode.Generation]string{
		decode.G1: "2501000000000000 000000000000000000000000 02000000 00000000",
		decode.G3: "02000000 2501000000000000 0900000000000000 00000000 00000000",
		decode.G4: "02000000 2501000000000000 0900000000000000 03000000 00000000",
	} {
		m := binlogtest.AppendManifest(nil, g, decode.Position{Segment: 2, Offset: 0x125}, 9, 3)
		if len(m) != binlogtest.ManifestSize || !bytes.HasPrefix(m, unhex(t, want)) {
			t.Errorf("G%d: % x (%d bytes), want %s", g-decode.G0, m[:28], len(m), want)
		}
	}
}

func TestSeveralCommandsInOneRecord(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		w.Commands([]string{"set", "a", "1"}, []string{"set", "b", "2"})
		r := w.Records()
		if len(r) != 1 || len(r[0].Commands) != 2 || string(r[0].Argv()[1]) != "a" {
			t.Errorf("G%d: records are %+v", g-decode.G0, r)
		}
		head, tail := r[0].Payload[:len(r[0].Payload)/2], r[0].Payload[len(r[0].Payload)/2:]
		if !bytes.Equal(bytes.ReplaceAll(head, []byte("a\r\n$1\r\n1"), []byte("b\r\n$1\r\n2")), tail) {
			t.Errorf("G%d: the commands differ in more than key and value:\n%q\n%q", g-decode.G0, head, tail)
		}
	}
}

func TestFormsOfTheExtraArguments(t *testing.T) {
	const head = `'*5\r\n$4\r\nINCR\r\n$14\r\n__PIKA_X#$SKGI\r\n$1\r\n9\r\n`
	for name, tt := range map[string]struct {
		put  binlogtest.Put
		want string
	}{
		"writable replica": {binlogtest.Put{Status: binlogtest.StatusNone, Hub: "0"}, head + `$0\r\n\r\n$1\r\n0\r\n'`},
		"hub":              {binlogtest.Put{Status: binlogtest.StatusOfHub, Hub: "0"}, head + `$1\r\nX\r\n$1\r\n0\r\n'`},
		"read-only replica": {
			binlogtest.Put{Hub: "0", ExecTime: 1, Copied: &binlogtest.Copied{Position: decode.Position{Segment: 2, Offset: 3}, Origin: 9}},
			head + `$16\r\n' 01000000 02000000 0300000000000000 '\r\n$1\r\n0\r\n'`,
		},
	} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G2, Origin: 9})
		tt.put.Commands = [][]string{{"INCR"}}
		w.Put(tt.put)
		if diff := cmp.Diff(unhex(t, tt.want), w.Records()[0].Payload); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestCopiedHeaderValues(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G4})
	copied := binlogtest.Copied{LogicID: 77, Position: decode.Position{Segment: 4, Offset: 5}, Origin: 6}
	w.Put(binlogtest.Put{Commands: [][]string{{"DEL", "k"}}, Copied: &copied})
	r := w.Records()[0]
	if r.LogicID != 77 || r.Prev != copied.Position || r.Origin != 6 {
		t.Errorf("record is %+v", r)
	}
	if got := w.Manifest()[12]; got != 1 {
		t.Errorf("manifest counts %d puts, want 1 of its own", got)
	}
}

func TestClientsPadding(t *testing.T) {
	const bare = `0100 00000000 00000000 0000000000000000 00000000 0000000000000000 1e000000 '*2\r\n$7\r\npadding\r\n$00003\r\n***\r\n'`
	for g, want := range map[decode.Generation]string{
		decode.G3: bare,
		decode.G4: bare,
		decode.G5: "0100 00f15365 00000000 0100000000000000 00000000 0000000000000000 40000000" + bare,
	} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		w.Padding(3, binlogtest.Put{})
		if diff := cmp.Diff(unhex(t, want), w.Records()[0].Payload); diff != "" {
			t.Errorf("G%d (-want +got):\n%s", g-decode.G0, diff)
		}
	}
}

func TestFill(t *testing.T) {
	for g := decode.G0; g <= decode.G5; g++ {
		for left := range 130 {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
			for range 3 {
				w.Fill(left)
				if got := -w.Position().Offset & (decode.BlockSize - 1); got != int64(left) {
					t.Fatalf("G%d: %d bytes of the block are left, want %d", g-decode.G0, got, left)
				}
			}
		}
	}
}

func TestTailIsOverwrittenThenCutOff(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Tail(bytes.Repeat([]byte("stale"), 20))
	w.Record([]byte("ab"))
	if got := string(w.Bytes(0)[8:]); got != "ab"+strings.Repeat("stale", 18) {
		t.Errorf("record and what is left of the tail are %q", got)
	}
	w.Rotate()
	if got := string(w.Bytes(0)[8:]); got != "ab" {
		t.Errorf("after a rotation the segment ends with %q", got)
	}
}

func TestTailOfAnUntouchedSegmentStays(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Record([]byte("ab"))
	w.Preallocate()
	w.Rotate()
	if got := len(w.Bytes(0)); got != 4<<20 {
		t.Errorf("segment has %d bytes, want 4 MiB", got)
	}
}

func TestTornRecord(t *testing.T) {
	torn, whole := binlogtest.NewWriter(binlogtest.Options{}), binlogtest.NewWriter(binlogtest.Options{})
	put := binlogtest.Put{Commands: [][]string{{"SET", "k", strings.Repeat("x", 100_000)}}}
	for _, w := range []*binlogtest.Writer{torn, whole} {
		w.Fill(3)
	}
	end := torn.Position()
	torn.Torn(put, 70_000)
	whole.Put(put)
	if !bytes.Equal(torn.Bytes(0), whole.Bytes(0)[:end.Offset+70_000]) {
		t.Error("the torn record is not the beginning of the whole one")
	}
	if torn.Position() != end || len(torn.Records()) != 1 {
		t.Errorf("position is %v with %d records, want %v with 1", torn.Position(), len(torn.Records()), end)
	}
}

func TestTake(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Discard: true, SegmentSize: 100})
	var numbers []uint32
	for range 10 {
		w.Command("SET", "s1", "v1")
		for _, s := range w.Take() {
			numbers = append(numbers, s.Number)
		}
	}
	if diff := cmp.Diff([]uint32{0, 1, 2, 3}, numbers); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func TestWriteDir(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "s1", "v1")
	dir := filepath.Join(t.TempDir(), "log_db0")
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string][]byte{"manifest": w.Manifest(), "write2file0": w.Bytes(0)} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s has %d bytes, want %d (%v)", name, len(got), len(want), err)
		}
	}
}

func TestDiscardDoesNotAllocate(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Discard: true})
	w.Command("SET", "key", strings.Repeat("x", 1<<20)) // room for what follows
	w.Rotate()
	allocs := testing.AllocsPerRun(1000, func() { w.Command("HSET", "key", "field", "value") })
	if allocs != 0 {
		t.Errorf("a put allocates %v times", allocs)
	}
}

func BenchmarkCommand(b *testing.B) {
	for _, size := range []int{50, 1000, 300_000} {
		b.Run(fmt.Sprintf("value=%d", size), func(b *testing.B) {
			value := strings.Repeat("x", size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			w := binlogtest.NewWriter(binlogtest.Options{Discard: true})
			for b.Loop() {
				w.Command("SET", "some:key:of:20:bytes", value)
				w.Take()
			}
		})
	}
}

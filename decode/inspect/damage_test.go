package inspect_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

// damaged writes the log with the bytes of its first segment changed.
func damaged(t *testing.T, w *binlogtest.Writer, change func(b []byte) []byte) string {
	t.Helper()
	dir := written(t, w)
	path := filepath.Join(dir, "write2file0")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, change(b), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func findings(t *testing.T, dir string, workers int) (*inspect.VerifyReport, []inspect.Finding) {
	t.Helper()
	var list []inspect.Finding
	report, err := inspect.Verify(t.Context(), find(t, dir), inspect.VerifyOptions{
		Options: inspect.Options{Workers: workers},
		Report:  func(f *inspect.Finding) { list = append(list, *f) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return report, list
}

func only(list []inspect.Finding, s inspect.Severity) []inspect.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f inspect.Finding) bool { return f.Severity != s })
}

// shortLog is a log of many records in one block.
func shortLog(g decode.Generation) *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
	for i := range 200 {
		w.Command("SET", fmt.Sprintf("key:%d", i), "value")
	}
	return w
}

// TestBitFlips flips one bit in each field of the headers of a record in the middle of the log.
func TestBitFlips(t *testing.T) {
	type flip struct {
		field string
		at    int64 // byte in the record, or before the end of 2.3's third extra argument
		bit   byte
		// where it is found: as damage at that byte, -1 for anywhere in the record, or as a note
		damage int64
		note   bool
	}
	item := []flip{
		{field: "item type", at: 8, bit: 1, damage: 8},
		{field: "item type, high byte", at: 9, bit: 0, damage: 8},
		{field: "item time", at: 8 + 4, bit: 7, note: true},
		{field: "server id or term", at: 8 + 6, bit: 2, note: true},
		{field: "logic id", at: 8 + 10, bit: 3, note: true},
		{field: "logic id, high byte", at: 8 + 17, bit: 7, note: true},
		{field: "segment", at: 8 + 18, bit: 0, damage: 8 + 18},
		{field: "segment, high byte", at: 8 + 21, bit: 7, damage: 8 + 18},
		{field: "offset", at: 8 + 22, bit: 0, damage: 8 + 22},
		{field: "offset, high byte", at: 8 + 29, bit: 7, damage: 8 + 22},
		{field: "content length", at: 8 + 30, bit: 1, damage: -1},
		{field: "content length, high byte", at: 8 + 33, bit: 1, damage: 8 + 30},
	}
	fields := map[decode.Generation][]flip{
		decode.G0: {
			{field: "length", at: 0, bit: 0, damage: -1},
			{field: "length, high byte", at: 2, bit: 0, damage: 0},
			{field: "type", at: 3, bit: 1, damage: 0},
			{field: "type, high bit", at: 3, bit: 7, damage: 0},
		},
		decode.G1: {
			{field: "length", at: 0, bit: 0, damage: -1},
			{field: "length, second bit", at: 0, bit: 1, damage: -1},
			{field: "length, middle byte", at: 1, bit: 2, damage: -1},
			{field: "length, high byte", at: 2, bit: 0, damage: 0},
			{field: "time", at: 5, bit: 7, note: true},
			{field: "type", at: 7, bit: 1, damage: 0},
			{field: "type, to nothing", at: 7, bit: 0, damage: 0},
			{field: "type, high bit", at: 7, bit: 7, damage: 0},
		},
	}
	fields[decode.G2] = append([]flip{
		{field: "time of the extra argument", at: 3 - 16, bit: 7, note: true},
		{field: "segment of the extra argument", at: 4 - 16, bit: 0, damage: 4 - 16},
		{field: "offset of the extra argument", at: 8 - 16, bit: 4, damage: 8 - 16},
	}, fields[decode.G1]...)
	for _, g := range []decode.Generation{decode.G3, decode.G4, decode.G5} {
		fields[g] = slices.Concat(fields[decode.G1], item)
	}
	for g, flips := range fields {
		for _, f := range flips {
			t.Run(fmt.Sprintf("G%d %s", g-decode.G0, f.field), func(t *testing.T) {
				w := shortLog(g)
				rec := w.Records()[100]
				at, want := f.at, f.damage
				if info := rec.End - rec.Offset - int64(len("\r\n$1\r\n1\r\n")); at < 0 {
					at, want = at+info, want+info
				}
				dir := damaged(t, w, func(b []byte) []byte { b[rec.Offset+at] ^= 1 << f.bit; return b })
				report, list := findings(t, dir, 2)
				damages, notes := only(list, inspect.Damage), only(list, inspect.Note)
				if f.note {
					if len(damages) != 0 || len(notes) == 0 {
						t.Fatalf("got %v, want a note", list)
					}
					return
				}
				if len(damages) != 1 {
					t.Fatalf("got %v, want one damage", list)
				}
				got := *damages[0].Offset - rec.Offset
				if want >= 0 && got != want || got < 0 || got > rec.End-rec.Offset {
					t.Errorf("%v: at byte %d of the record, want %d", &damages[0], got, want)
				}
				records := int64(199)
				if damages[0].From == nil {
					records++
				}
				if report.Records != records {
					t.Errorf("%v: %d records, want %d", &damages[0], report.Records, records)
				}
			})
		}
	}
}

// TestDamage is a list of disasters.
func TestDamage(t *testing.T) {
	for _, test := range []struct {
		name   string
		log    func() *binlogtest.Writer
		change func(w *binlogtest.Writer, b []byte) []byte
		want   []string
	}{
		{
			name:   "a trailer that is not zero",
			log:    func() *binlogtest.Writer { w := shortLog(decode.G5); w.Fill(5); w.Command("SET", "a", "b"); return w },
			change: func(_ *binlogtest.Writer, b []byte) []byte { b[65533] = 1; return b },
			want:   []string{"db0: write2file0 at 65531 (0xfffb): damage: block trailer is not zero (nothing is lost: no version of Pika looks at these bytes)"},
		},
		{
			name: "a trailer that is not zero, and the header after it",
			log: func() *binlogtest.Writer {
				w := shortLog(decode.G5)
				w.Fill(5)
				w.Command("SET", "a", "b")
				w.Command("SET", "c", "d")
				return w
			},
			change: func(_ *binlogtest.Writer, b []byte) []byte {
				b[65533], b[65543] = 1, 9
				return b
			},
			want: []string{"db0: write2file0 at 65531 (0xfffb): damage: block trailer is not zero; lost 65531 to 65605 (74 B) (--on-corrupt=skip continues after it)"},
		},
		{
			name: "a hole of zeros",
			log:  func() *binlogtest.Writer { return shortLog(decode.G4) },
			change: func(w *binlogtest.Writer, b []byte) []byte {
				clear(b[w.Records()[50].Offset:w.Records()[53].Offset])
				return b
			},
			want: []string{"db0: write2file0 at 3890 (0xf32): damage: zeros where a record should be; lost 3890 to 4124 (234 B) (a power failure leaves such holes, and so does a copy of a file that is being written)"},
		},
		{
			name:   "a file that ends before the manifest's position",
			log:    func() *binlogtest.Writer { return shortLog(decode.G5) },
			change: func(w *binlogtest.Writer, b []byte) []byte { return b[:w.Records()[198].End-20] },
			want:   []string{"db0: write2file0 at 15591 (0x3ce7): damage: the segment is cut short: it ends at 15591, but the manifest names 0:15690; lost 15532 to 15690 (158 B) (restore the file from a copy)"},
		},
		{
			name: "a file that lacks bytes in the middle of a record, and has the ones after it",
			log: func() *binlogtest.Writer {
				w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G1})
				w.Command("SET", "long", strings.Repeat("x", 1000))
				w.Command("SET", "a", "b")
				return w
			},
			change: func(_ *binlogtest.Writer, b []byte) []byte { return append(b[:500], b[700:]...) },
			want: []string{
				"db0: write2file0 at 0 (0x0): damage: record is not complete: the data ends at 875; lost 0 to 840 (840 B) (the file was cut, or copied while it was written)",
				"db0: write2file0 at 875 (0x36b): damage: the segment is cut short: it ends at 875, but the manifest names 0:1075; lost 875 to 1075 (200 B) (restore the file from a copy)",
			},
		},
		{
			name: "a length with a leading zero",
			log: func() *binlogtest.Writer {
				w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G1})
				w.Command("SET", "a", "b")
				w.Record([]byte("*2\r\n$3\r\nDEL\r\n$01\r\na\r\n"))
				w.Record([]byte("*02\r\n$3\r\nDEL\r\n$1\r\na\r\n"))
				return w
			},
			want: []string{
				"db0: write2file0 at 57 (0x39): damage: content is not RESP: a length with leading zeros",
				"db0: write2file0 at 73 (0x49): damage: content is not RESP: a length with leading zeros",
			},
		},
		{
			name: "arguments that a command cannot have",
			log: func() *binlogtest.Writer {
				w := shortLog(decode.G5)
				w.Command("HSET", "a")
				w.Command("zadd", "a", "x", "y")
				return w
			},
			want: []string{"db0: write2file0 at 15690 (0x3d4a): note: the arguments of hset make no sense; 1 more in this segment (it becomes an event of kind other)"},
		},
		{
			name: "stale bytes after the records",
			log: func() *binlogtest.Writer {
				w := shortLog(decode.G5)
				w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "torn", strings.Repeat("x", 1000)}}}, 500)
				w.Preallocate()
				return w
			},
			want: []string{"db0: write2file0 at 15690 (0x3d4a): note: 4.0 MiB after the last record, not all zeros: the first byte is at 15690 (left by a server that was killed, and never part of the log)"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := test.log()
			dir := damaged(t, w, func(b []byte) []byte {
				if test.change == nil {
					return b
				}
				return test.change(w, b)
			})
			_, lines := verify(t, find(t, dir), 2)
			if diff := cmp.Diff(test.want, lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOpenLog cuts the last record of a log without a manifest off at any length, with zeros after it or not: that is
// what a writer was at, and no damage.
func TestOpenLog(t *testing.T) {
	for _, zeros := range []bool{false, true} {
		for _, n := range []int{1, 7, 8, 9, 41, 42, 50, 399, 404, 407, 408, 409, 60_000, 70_000, 300_000} {
			t.Run(fmt.Sprintf("%d bytes, zeros %t", n, zeros), func(t *testing.T) {
				w := shortLog(decode.G5)
				w.Fill(400)
				records := int64(len(w.Records()))
				w.Torn(binlogtest.Put{Commands: [][]string{{"SET", "torn", strings.Repeat("x", 5*decode.BlockSize)}}}, n)
				if zeros {
					w.Preallocate()
				}
				dir := written(t, w)
				if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
					t.Fatal(err)
				}
				report, lines := verify(t, find(t, dir), 2) // the first is that there is no manifest
				note := "db0: write2file0 at 65136 (0xfe70): note: the log ends in half a record " +
					"(what was being written when the file was copied, or when the server stopped)"
				if diff := cmp.Diff([]string{note}, lines[1:]); diff != "" {
					t.Error(diff)
				}
				if report.Records != records {
					t.Errorf("%d records, want %d", report.Records, records)
				}
			})
		}
	}
}

// TestVerifyWithAnyWorkers damages a log in many places, and wants the same findings from one worker and from several.
func TestVerifyWithAnyWorkers(t *testing.T) {
	for g := decode.G0; g <= decode.G5; g++ {
		dir := damaged(t, longLog(g), func(b []byte) []byte {
			for at := 1000; at < len(b); at += 701 {
				b[at] ^= byte(1 + at%255)
			}
			clear(b[300000:420000])
			return b
		})
		report, lines := verify(t, find(t, dir), 1)
		if report.Damages < 5 {
			t.Errorf("G%d: only %d damages", g-decode.G0, report.Damages)
		}
		disjoint(t, dir)
		reportMany, linesMany := verify(t, find(t, dir), 5)
		if diff := cmp.Diff(report, reportMany); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(lines, linesMany); diff != "" {
			t.Error(diff)
		}
		one, oneJSON := info(t, dir, 1)
		many, manyJSON := info(t, dir, 5)
		if diff := cmp.Diff(one+oneJSON, many+manyJSON); diff != "" {
			t.Error(diff)
		}
	}
}

// disjoint wants each damaged place once, in order: no range that was lost begins before the end of the one before.
func disjoint(t *testing.T, dir string) {
	t.Helper()
	_, list := findings(t, dir, 2)
	end, segment := int64(0), uint32(0)
	for _, f := range only(list, inspect.Damage) {
		if f.From == nil {
			continue
		}
		if *f.Segment != segment {
			end, segment = 0, *f.Segment
		}
		if *f.From < end || *f.To < *f.From || *f.Offset < *f.From || *f.Offset > *f.To {
			t.Errorf("%v, after a range that ends at %d", &f, end)
		}
		end = *f.To
	}
}

// TestSoundLogs verifies logs of all generations with records of all shapes.
func TestSoundLogs(t *testing.T) {
	for g := decode.G0; g <= decode.G5; g++ {
		w := longLog(g)
		report, lines := verify(t, find(t, written(t, w)), 3)
		if len(lines) > 0 || report.Records != int64(len(w.Records())) {
			t.Errorf("G%d: %d records of %d, %v", g-decode.G0, report.Records, len(w.Records()), lines)
		}
	}
}

package decode_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestUpgradeByLeaps reads segments that any version began and any later one continues with, as what they began as
// and as what nobody knows. Where the header changes its size, the place in the block matters.
func TestUpgradeByLeaps(t *testing.T) {
	for _, from := range generations[:5] {
		t.Run(nameOf(from), func(t *testing.T) {
			t.Parallel()
			for to := from + 1; to <= decode.G5; to++ {
				for left := range 21 {
					checkUpgrade(t, from, to, left)
				}
			}
		})
	}
}

func checkUpgrade(t *testing.T, from, to decode.Generation, left int) {
	t.Helper()
	before := binlogtest.NewWriter(binlogtest.Options{Generation: from})
	before.Command("SET", "before", "1")
	before.Fill(left)
	after := binlogtest.NewWriter(binlogtest.Options{Generation: to})
	after.Raw(before.Bytes(0))
	after.Command("SET", "after", "1")
	after.Fill(9)
	after.Command("SET", "after", strings.Repeat("2", 100_000))
	want := append(wanted(from, before.Records()), wanted(to, after.Records())...)
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range []decode.Generation{from, decode.GenerationUnknown} {
		span := whole(g, after.Bytes(0))
		got := mustScan(t, after.Bytes(0), span)
		compare(t, fmt.Sprintf("to %s after %d bytes left, read as %d", nameOf(to), left, g), want, got)
		for _, rec := range got {
			if err := d.Decode(&span, &rec); err != nil || len(d.Entries()) != 1 || len(d.Entries()[0].Argv) != 3 {
				t.Fatalf("to %s: record at %d has entries %+v, error %v", nameOf(to), rec.Offset, d.Entries(), err)
			}
		}
	}
}

// TestWrongGeneration reads logs with the wrong idea of their headers.
func TestWrongGeneration(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			w := mixed(g, false)
			for _, wrong := range []decode.Generation{decode.G0, decode.G5, decode.GenerationUnknown} {
				compare(t, fmt.Sprintf("as %d", wrong), wanted(g, w.Records()), mustScan(t, w.Bytes(0), whole(wrong, w.Bytes(0))))
			}
		})
	}
}

// TestNoPayloadAtTheEndsOfBlocks has records without payload after the rest of a block, which one may take up.
func TestNoPayloadAtTheEndsOfBlocks(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
			for left := range 21 {
				w.Fill(left)
				w.Empty()
				w.Fill(left)
				w.Empty()
				w.Empty()
				w.Command("SET", "k", "v")
			}
			compare(t, "all", wanted(g, w.Records()), mustScan(t, w.Bytes(0), whole(g, w.Bytes(0))))
		})
	}
}

// TestFillerToAnyOffset begins logs with a full sync at offsets around those where the last piece of the
// filler changes its shape, also where Pika's manifest and file are at odds.
func TestFillerToAnyOffset(t *testing.T) {
	styles := map[decode.Generation][]binlogtest.Filling{
		decode.G0: {binlogtest.FillBlank},
		decode.G1: {binlogtest.FillBlank},
		decode.G2: {binlogtest.FillBlank},
		decode.G3: {binlogtest.FillBlank, binlogtest.FillItems},
		decode.G4: {binlogtest.FillItems, binlogtest.FillBad},
		decode.G5: {binlogtest.FillBad},
	}
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			for _, style := range styles[g] {
				for _, at := range []int64{10, 69, block, block + 69, 2 * block} {
					for offset := at - 9; offset < at+10; offset++ {
						w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Filling: style, Start: decode.Position{Offset: offset}})
						w.Command("SET", "k", "v")
						w.Fill(3)
						w.Command("SET", "k", "w")
						got := mustScan(t, w.Bytes(0), whole(g, w.Bytes(0)))
						compare(t, fmt.Sprintf("style %d to %d", style, offset), wanted(g, w.Records()), got)
					}
				}
			}
		})
	}
}

// TestTimeOfAnEvent takes the time of an event from where its version has it.
func TestTimeOfAnEvent(t *testing.T) {
	put := binlogtest.Put{Commands: [][]string{{"INCR", "k"}}, Time: 60, ExecTime: 50}
	tests := []struct {
		name   string
		g      decode.Generation
		status binlogtest.Status
		want   int64
		has    decode.Fields
	}{
		{"none in 2.0", decode.G0, 0, 0, 0},
		{"that of the fragment", decode.G1, 0, 60, decode.HasTime},
		{"that of the extra arguments", decode.G2, binlogtest.StatusFull, 50, decode.HasTime | decode.HasServerID},
		{"a writable replica's", decode.G2, binlogtest.StatusNone, 60, decode.HasTime | decode.HasServerID},
		{"from a hub", decode.G2, binlogtest.StatusOfHub, 60, decode.HasTime | decode.HasServerID},
		{"that of the item", decode.G3, 0, 50, decode.HasTime | decode.HasServerID | decode.HasLogicID},
		{"without a term", decode.G5, 0, 50, decode.HasTime | decode.HasLogicID},
	}
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: tt.g})
			put.Status = tt.status
			w.Put(put)
			span := whole(tt.g, w.Bytes(0))
			rec := mustScan(t, w.Bytes(0), span)[0]
			var c decode.Change
			if err := d.Decode(&span, &rec); err != nil || !d.Next(&c) {
				t.Fatalf("no event, error %v", err)
			}
			if c.Time != tt.want || c.Has != tt.has || len(c.Argv) != 2 {
				t.Errorf("time %d, fields %b of %q, want time %d, fields %b", c.Time, c.Has, c.Argv, tt.want, tt.has)
			}
		})
	}
}

// TestUnknownNamesAreBounded allocates nothing for a name that comes again, unless there have been too many.
func TestUnknownNamesAreBounded(t *testing.T) {
	d, err := decode.NewDecoder(decode.DecoderOptions{})
	if err != nil {
		t.Fatal(err)
	}
	span := whole(decode.G1, nil)
	var c decode.Change
	read := func(name string) func() {
		rec := decode.Record{HeaderSize: 8, Payload: fmt.Appendf(nil, "*1\r\n$%d\r\n%s\r\n", len(name), name)}
		want := strings.ToLower(name)
		return func() {
			if err := d.Decode(&span, &rec); err != nil || !d.Next(&c) || c.Cmd != want {
				t.Fatalf("%s: event %q, error %v", name, c.Cmd, err)
			}
		}
	}
	if n := testing.AllocsPerRun(10, read("FrobNicate")); n != 0 {
		t.Errorf("%v allocations for a name that is known", n)
	}
	for i := range 5000 {
		read(fmt.Sprintf("Name%d", i))()
	}
	if n := testing.AllocsPerRun(10, read("LateComer")); n == 0 {
		t.Error("the names kept have no bound")
	}
	if n := testing.AllocsPerRun(10, read("FrobNicate")); n != 0 {
		t.Errorf("%v allocations for a name that is kept", n)
	}
}

// memory is a source in memory, in pieces of a block each.
type memory struct {
	*bytes.Reader
	b []byte
}

func (m memory) At(offset int64) []byte {
	return m.b[min(offset, int64(len(m.b))):min((offset/block+1)*block, int64(len(m.b)))]
}

// TestInMemory scans what is in memory as what is read: whole, cut short around the ends of blocks, and damaged. Nothing of it is changed.
func TestInMemory(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			t.Parallel()
			full := mixed(g, true).Bytes(0)
			for _, at := range []int64{block, 4 * block} {
				for _, cut := range []int64{-9, -1, 0, 3, 9} {
					b := slices.Clone(full[:at+cut])
					b[at/2] ^= 0x55
					read, errRead := scan(new(decode.Scanner), bytes.NewReader(b), whole(g, b))
					source := slices.Clone(b)
					have, err := scan(new(decode.Scanner), memory{bytes.NewReader(source), source}, whole(g, b))
					if !reflect.DeepEqual(read, have) || fmt.Sprint(err) != fmt.Sprint(errRead) {
						t.Fatalf("cut at %d: %d records and %v, and %d and %v when read", at+cut, len(have), err, len(read), errRead)
					}
					if !bytes.Equal(source, b) {
						t.Fatalf("cut at %d: the source was changed", at+cut)
					}
				}
			}
		})
	}
}

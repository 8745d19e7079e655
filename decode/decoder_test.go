package decode_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

func newDecoder(t *testing.T, o decode.DecoderOptions) *decode.Decoder {
	t.Helper()
	d, err := decode.NewDecoder(o)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// changes are all changes of a writer's log, of which each has its own copy.
func changes(t *testing.T, d *decode.Decoder, g decode.Generation, log *decode.Log, w *binlogtest.Writer) []decode.Change {
	t.Helper()
	b := w.Bytes(0)
	span := whole(g, b)
	span.Log = log
	records := mustScan(t, b, span)
	var list []decode.Change
	for i := range records {
		if err := d.Decode(&span, &records[i]); err != nil {
			t.Fatal(err)
		}
		c := garbage()
		for d.Next(&c) {
			list = append(list, c)
			c = garbage()
		}
	}
	return list
}

// garbage is a change in which every field is wrong.
func garbage() decode.Change {
	junk := []byte("junk")
	return decode.Change{
		Log: &decode.Log{DB: "junk"}, Segment: 99, Offset: 99, End: 99, Epoch: 99, Part: 99, Parts: 99, Has: 255, LogicID: 99, Term: 99,
		ServerID: 99, Time: 99, Op: decode.OpRewritten, Type: decode.TypeGeo, Effect: decode.EffectUnknown,
		Precision: decode.PrecisionDerived, Cmd: "junk", Key: junk, Value: junk, Elements: decode.ElementsOf(decode.Element{Field: junk}),
		EntryID: junk, Delta: junk, ExpireAt: 99, Scope: "junk", Args: [][]byte{junk}, From: decode.Position{Segment: 99},
		To: decode.Position{Segment: 99}, Reason: "junk", Argv: [][]byte{junk}, KeyIndex: 99,
	}
}

func listed(e decode.Elements) []decode.Element { return slices.Collect(e.All()) }

// keysOf lists command, key, part and parts of changes.
func keysOf(list []decode.Change) []string {
	var keys []string
	for _, c := range list {
		keys = append(keys, fmt.Sprintf("%s %s %d/%d", c.Cmd, c.Key, c.Part, c.Parts))
	}
	return keys
}

func TestSlotOf(t *testing.T) {
	// CRC-32 of "123456789" is 0xcbf43926, of "a" 0xe8b7be43, of nothing 0.
	for key, want := range map[string]int{
		"123456789":      0xcbf43926 % 1000,
		"a":              0xe8b7be43 % 1000,
		"":               0,
		"x{a}y":          0xe8b7be43 % 1000,
		"{a}{123456789}": 0xe8b7be43 % 1000,
		"}{a}":           0xe8b7be43 % 1000,
		"x{}y":           0,
	} {
		if got := decode.SlotOf([]byte(key), 1000); got != want {
			t.Errorf("slot of %q is %d, want %d", key, got, want)
		}
	}
	if decode.SlotOf([]byte("{a"), 1000) == decode.SlotOf([]byte("a"), 1000) {
		t.Error("a brace that is not closed makes a tag")
	}
}

func TestKeysOfOtherSlots(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G3})
	w.Command("DEL", "{a}1", "{123456789}", "{a}2") // slots 3, 6, 3 of 8
	w.Command("MSET", "{123456789}", "x", "{a}3", "y")
	w.Command("MSET", "{123456789}", "x")
	log := &decode.Log{DB: "db0", Slot: 3, Slots: 8}
	d := newDecoder(t, decode.DecoderOptions{})
	want := []string{"del {a}1 0/2", "del {a}2 1/2", "mset {a}3 0/0", "mset {123456789} 0/0"}
	got := changes(t, d, decode.G3, log, w)
	if diff := cmp.Diff(want, keysOf(got)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if got[1].KeyIndex != 2 || d.Passed() != 2 {
		t.Errorf("key index %d, %d passed over", got[1].KeyIndex, d.Passed())
	}
	all := newDecoder(t, decode.DecoderOptions{All: true})
	if got := changes(t, all, decode.G3, log, w); len(got) != 6 || all.Passed() != 0 {
		t.Errorf("%d changes of all slots, %d passed over", len(got), all.Passed())
	}
}

func TestPartsOfRecords(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G2})
	w.Commands([]string{"set", "a", "1"}, []string{"DEL", "b", "c"}, []string{"select", "1"}, []string{"incr", "d"})
	w.Command("MSET", "e", "1", "f", "2", "g")
	w.Command("select", "2")
	d := newDecoder(t, decode.DecoderOptions{})
	got := changes(t, d, decode.G2, nil, w)
	want := []string{"set a 0/4", "del b 1/4", "del c 2/4", "incr d 3/4", "mset  0/0"}
	if diff := cmp.Diff(want, keysOf(got)); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if d.Passed() != 2 {
		t.Errorf("%d passed over, want 2", d.Passed())
	}
}

func TestWhatChangesNothing(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G5, Start: decode.Position{Offset: block + 50}})
	w.Empty()
	w.Padding(10, binlogtest.Put{})
	w.Command("DUMMY")
	w.Command("SET", "k", "v")
	d := newDecoder(t, decode.DecoderOptions{})
	if got := changes(t, d, decode.G5, nil, w); len(got) != 1 || d.Passed() != 5 {
		t.Errorf("%q, %d passed over", keysOf(got), d.Passed())
	}
	all := newDecoder(t, decode.DecoderOptions{All: true})
	want := []string{"padding  0/0", "padding  0/0", "  0/0", "padding  0/0", "dummy  0/0", "set k 0/0"}
	if diff := cmp.Diff(want, keysOf(changes(t, all, decode.G5, nil, w))); diff != "" || all.Passed() != 0 {
		t.Errorf("%d passed over, changes (-want +got):\n%s", all.Passed(), diff)
	}
}

// sameBytes tells absent from empty.
func sameBytes(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

// TestEverythingIsSet decodes into a change of garbage and into a fresh one.
func TestEverythingIsSet(t *testing.T) {
	for _, g := range generations {
		t.Run(nameOf(g), func(t *testing.T) {
			w := mixed(g, false)
			w.Command("no-such-command", "a")
			b := w.Bytes(0)
			span := whole(g, b)
			d, fresh := newDecoder(t, decode.DecoderOptions{All: true}), newDecoder(t, decode.DecoderOptions{All: true})
			records := mustScan(t, b, span)
			for i := range records {
				if err := errors.Join(d.Decode(&span, &records[i]), fresh.Decode(&span, &records[i])); err != nil {
					t.Fatal(err)
				}
				for {
					got, want := garbage(), decode.Change{}
					if more := d.Next(&got); more != fresh.Next(&want) {
						t.Fatal("one has a change more")
					} else if !more {
						break
					}
					got.Args = append([][]byte(nil), got.Args...)
					if diff := cmp.Diff(want, got, cmp.Comparer(sameBytes), cmp.Transformer("list", listed), cmpopts.IgnoreUnexported(decode.Change{})); diff != "" {
						t.Fatalf("record at %d (-fresh +garbage):\n%s", records[i].Offset, diff)
					}
				}
			}
		})
	}
}

func TestRenamedCommands(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("360FlushDB")
	w.Command("flushdb")
	w.Command("unheard-of", "x")
	d := newDecoder(t, decode.DecoderOptions{Renamed: map[string]string{"360flushdb": "FLUSHDB"}})
	got := changes(t, d, decode.G5, nil, w)
	want := []string{"360flushdb  0/0", "flushdb  0/0", "unheard-of  0/0"}
	if diff := cmp.Diff(want, keysOf(got)); diff != "" || got[0].Op != decode.OpFlush || got[2].Op != decode.OpOther {
		t.Errorf("ops %v %v, changes (-want +got):\n%s", got[0].Op, got[2].Op, diff)
	}
	for from, to := range map[string]string{"a": "b", "": "flushdb"} {
		if _, err := decode.NewDecoder(decode.DecoderOptions{Renamed: map[string]string{from: to}}); err == nil {
			t.Errorf("%q=%s is taken", from, to)
		}
	}
}

func TestUnknownCommands(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SSET\u00c9", "a", "")
	long := strings.Repeat("N", 1000)
	w.Command(long)
	for i := range 5000 {
		w.Command(fmt.Sprintf("Made-Up-%d", i))
	}
	got := changes(t, newDecoder(t, decode.DecoderOptions{}), decode.G5, nil, w)
	if got[0].Cmd != "sset\u00e9" || len(got[0].Args) != 2 || got[0].Effect != decode.EffectUnknown {
		t.Errorf("got %+v", got[0])
	}
	if got[1].Cmd != strings.ToLower(long) || got[5001].Cmd != "made-up-4999" {
		t.Errorf("names %.20q, %q", got[1].Cmd, got[5001].Cmd)
	}
}

func TestNameThatIsNoText(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	w.Command("\xff\xfe", "v")
	b := w.Bytes(0)
	span := whole(decode.G5, b)
	records := mustScan(t, b, span)
	d := newDecoder(t, decode.DecoderOptions{})
	err := d.Decode(&span, &records[1])
	var damage *decode.CorruptError
	if !errors.As(err, &damage) || damage.Offset != records[1].Offset || !errors.Is(err, decode.ErrBadRESP) {
		t.Errorf("got %v", err)
	}
	if d.Next(new(decode.Change)) || len(d.Entries()) != 0 {
		t.Error("a bad record gives changes")
	}
}

func TestBadContentNamesItsByte(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "wide", strings.Repeat("w", 2*block))
	b := append([]byte(nil), w.Bytes(0)...)
	at := int64(len(b)) - 2 // the line end after the value
	b[at] = '!'
	span := whole(decode.G5, b)
	records := mustScan(t, b, span)
	err := newDecoder(t, decode.DecoderOptions{}).Decode(&span, &records[0])
	var damage *decode.CorruptError
	if !errors.As(err, &damage) || damage.Offset != at {
		t.Errorf("got %v, want an error at %d", err, at)
	}
}

// TestPikaOverridesTheSpan reads what the bytes do not tell the way that the user says.
func TestPikaOverridesTheSpan(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G3, Origin: 7})
	w.Command("SET", "k", "v")
	for pika, server := range map[decode.Generation]uint32{decode.GenerationUnknown: 0, decode.G3: 7, decode.G4: 0} {
		c := changes(t, newDecoder(t, decode.DecoderOptions{Pika: pika}), decode.G5, nil, w)[0]
		if c.ServerID != server || c.Term != 7-server {
			t.Errorf("G%d: server id %d, term %d", pika, c.ServerID, c.Term)
		}
	}
}

// TestReplicaThatDrifts has items which name the positions of the master. After damage they cannot be told from a copy
// of a log in a value, so that the rest of the block is lost.
func TestReplicaThatDrifts(t *testing.T) {
	for _, g := range []decode.Generation{decode.G2, decode.G3, decode.G4} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
		copied := &binlogtest.Copied{LogicID: 1000, Position: decode.Position{Segment: 7, Offset: 12345}, Origin: 9}
		for i := range 3000 {
			w.Put(binlogtest.Put{Commands: [][]string{{"SET", "k", strings.Repeat("v", i%300)}}, Copied: copied})
		}
		b := append([]byte(nil), w.Bytes(0)...)
		span := whole(g, b)
		written := wanted(g, w.Records())
		d := newDecoder(t, decode.DecoderOptions{})
		if err := d.Decode(&span, &written[0]); err != nil || d.Entries()[0].At != copied.Position {
			t.Fatalf("%v, at %v", err, d.Entries()[0].At)
		}
		checkChunks(t, b, span, block, written)
		s := newSalvage(t)
		for i := 5; i < len(written); i += 701 {
			harmed := &damage{name: fmt.Sprintf("header at %d", written[i].Offset), b: append([]byte(nil), b...), lo: written[i].Offset}
			harmed.hi = harmed.lo + 8
			clear(harmed.b[harmed.lo:harmed.hi])
			harmed.hi = harmed.lo - harmed.lo%block + block
			s.read(harmed.b, span, block)
			s.verify(t, harmed, written)
		}
	}
}

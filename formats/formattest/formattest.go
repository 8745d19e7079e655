// Package formattest is what every format has to hold. A format's test calls Run with how its stream is read:
//
//	func TestConformance(t *testing.T) {
//		formattest.Suite{Format: "jsonl", Frame: addLineEnd, Command: readCommand}.Run(t)
//	}
//
// The changes of Changes and those of the fixtures are the input.
package formattest

import (
	"bytes"
	"slices"
	"testing"

	"pikabin/decode"
	"pikabin/formats"
)

// Suite is a format and a reader of it.
type Suite struct {
	Format string // its name in the table

	// Frame gives a message as the stream holds it, with what parts it from the next one. Nil if that is the message alone.
	Frame func(message []byte) []byte

	// Command reads the command of a message that was written with Options.Args and Options.Bare: the name in lower
	// case, and all arguments. Nil for a format that writes other commands than were logged.
	Command func(t *testing.T, message []byte) [][]byte
}

// everyOption are the options that each format is tested with.
var everyOption = []formats.Options{
	{}, {Base64: true}, {Args: true}, {SplitKeys: true}, {Base64: true, Args: true, SplitKeys: true}, {Bare: true}, {Bare: true, Told: true}, {Envelope: "cloudevents"}, {Envelope: "debezium"},
}

// Run runs the suite.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	format, ok := formats.Lookup(s.Format)
	if !ok {
		t.Fatalf("the table has no format %q", s.Format)
	}
	t.Run("Frame", func(t *testing.T) { s.testFrame(t, format) })
	t.Run("Commands", func(t *testing.T) { s.testCommands(t, format) })
	for name, test := range map[string]func(*testing.T, func() formats.Encoder){
		"Prefix": testPrefix, "ChangeAlone": testChangeAlone, "NoAllocation": testNoAllocation,
	} {
		t.Run(name, func(t *testing.T) {
			for _, opts := range everyOption {
				test(t, func() formats.Encoder { return format.New(opts) })
			}
		})
	}
}

// testFrame wants the stream to hold the bare message and the frame around it.
func (s Suite) testFrame(t *testing.T, format formats.Format) {
	t.Helper()
	for _, c := range Changes() {
		got := format.New(formats.Options{}).AppendChange(nil, c.Change)
		want := format.New(formats.Options{Bare: true}).AppendChange(nil, c.Change)
		if s.Frame != nil {
			want = s.Frame(want)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s: the stream has %.300q, want %.300q", c.Name, got, want)
		}
	}
}

// testCommands wants the commands of the fixtures back, each with all its arguments.
func (s Suite) testCommands(t *testing.T, format formats.Format) {
	t.Helper()
	if s.Command == nil {
		t.Skip("the format writes other commands than were logged")
	}
	for _, base64 := range []bool{false, true} {
		enc := format.New(formats.Options{Args: true, Bare: true, Base64: base64})
		for _, c := range FixtureChanges(t) {
			message := enc.AppendChange(nil, c)
			want := append([][]byte{bytes.ToLower(c.Argv[0])}, c.Argv[1:]...)
			got := s.Command(t, message)
			if len(got) > 0 {
				got[0] = bytes.ToLower(got[0])
			}
			if !slices.EqualFunc(got, want, bytes.Equal) {
				t.Fatalf("%.300q is read as %.300q, it was %.300q", message, got, want)
			}
		}
	}
}

// testPrefix wants what dst holds left alone, whatever its capacity.
func testPrefix(t *testing.T, newEncoder func() formats.Encoder) {
	t.Helper()
	prefix := []byte("what \x00\xff was there")
	for _, c := range Changes() {
		want := newEncoder().AppendChange(nil, c.Change)
		rooms := []int{0, 1, 40, 700, 1 << 12, 1 << 16}
		if len(c.Value) >= 1<<20 {
			rooms = rooms[:1]
		}
		for _, room := range rooms {
			dst := append(make([]byte, 0, len(prefix)+room), prefix...)
			dst = newEncoder().AppendChange(dst, c.Change)
			if !bytes.HasPrefix(dst, prefix) {
				t.Fatalf("%s, room for %d bytes: prefix is now %q", c.Name, room, dst[:len(prefix)])
			}
			if got := dst[len(prefix):]; !bytes.Equal(got, want) {
				t.Fatalf("%s, room for %d bytes:\n got %.300q\nwant %.300q", c.Name, room, got, want)
			}
		}
	}
}

// testChangeAlone runs one encoder over the table in several orders, overwrites each change after it,
// and wants what a new encoder gives for each.
func testChangeAlone(t *testing.T, newEncoder func() formats.Encoder) {
	t.Helper()
	cases := Changes()
	veteran := newEncoder()
	for _, step := range []int{1, len(cases) - 1} {
		for i := range cases {
			c := cases[i*step%len(cases)]
			want := newEncoder().AppendChange(nil, c.Change)
			lent := cloneChange(c.Change)
			got := veteran.AppendChange(nil, lent)
			poison(lent)
			if !bytes.Equal(got, want) {
				t.Fatalf("%s, step %d:\n got %.300q\nwant %.300q", c.Name, step, got, want)
			}
		}
	}
}

// testNoAllocation wants no allocation where dst has room.
func testNoAllocation(t *testing.T, newEncoder func() formats.Encoder) {
	t.Helper()
	enc := newEncoder()
	dst := make([]byte, 0, 8<<20)
	for _, c := range Changes() {
		if n := testing.AllocsPerRun(2, func() { enc.AppendChange(dst, c.Change) }); n != 0 {
			t.Errorf("%s: %v allocations", c.Name, n)
		}
	}
}

// cloneChange copies all memory of c that may be overwritten.
func cloneChange(c *decode.Change) *decode.Change {
	d := *c
	d.Key, d.Value, d.EntryID, d.Delta = bytes.Clone(c.Key), bytes.Clone(c.Value), bytes.Clone(c.EntryID), bytes.Clone(c.Delta)
	d.Args, d.Argv = cloneList(c.Args), cloneList(c.Argv)
	var elements []decode.Element
	for el := range c.Elements.All() {
		elements = append(elements, decode.Element{Field: bytes.Clone(el.Field), Value: bytes.Clone(el.Value), Score: bytes.Clone(el.Score)})
	}
	d.Elements = decode.ElementsOf(elements...)
	return &d
}

func cloneList(list [][]byte) [][]byte {
	list = slices.Clone(list)
	for i := range list {
		list[i] = bytes.Clone(list[i])
	}
	return list
}

// poison overwrites the memory of c, as the next record does.
func poison(c *decode.Change) {
	lists := [][][]byte{c.Args, c.Argv, {c.Key, c.Value, c.EntryID, c.Delta}}
	for el := range c.Elements.All() {
		lists = append(lists, [][]byte{el.Field, el.Value, el.Score})
	}
	for _, b := range slices.Concat(lists...) {
		for i := range b {
			b[i] = 0xfe
		}
	}
	log := *c.Log
	*c = decode.Change{Log: &log}
}

package formats

import (
	"bytes"
	"encoding/binary"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// everyOption are the options that each format is tested with.
var everyOption = []Options{{}, {Base64: true}, {Args: true}, {SplitKeys: true}, {Base64: true, Args: true, SplitKeys: true}}

// forEachFormat runs test for each format with each set of options.
func forEachFormat(t *testing.T, test func(t *testing.T, newEncoder func() Encoder)) {
	t.Helper()
	for _, format := range All() {
		t.Run(format.Name, func(t *testing.T) {
			for _, opts := range append(slices.Clone(everyOption), Options{Bare: true}) {
				test(t, func() Encoder { return format.New(opts) })
			}
		})
	}
}

func TestFormatIsDescribed(t *testing.T) {
	for _, format := range All() {
		if format.Name == "" || format.Doc == "" || format.Ext == "" || format.ContentType == "" || format.New == nil {
			t.Errorf("format %q: an empty field in %+v", format.Name, format)
		}
		if found, ok := Lookup(format.Name); !ok || found.Name != format.Name {
			t.Errorf("Lookup(%q) does not find it", format.Name)
		}
	}
	if !slices.IsSorted(Names()) {
		t.Errorf("Names() = %q, not sorted", Names())
	}
}

// TestBare wants of each format the message that a stream of it holds, without what parts it from the next one: a line end
// behind it, or its length before it.
func TestBare(t *testing.T) {
	for _, format := range All() {
		for _, c := range nastyChanges() {
			framed := format.New(Options{}).AppendChange(nil, c.Change)
			bare := format.New(Options{Bare: true}).AppendChange(nil, c.Change)
			length := binary.AppendUvarint(nil, uint64(len(bare)))
			switch {
			case bytes.Equal(framed, append(bytes.Clone(bare), '\n')), bytes.Equal(framed, append(length, bare...)):
			case bytes.Equal(framed, bare) && format.Ext == ".resp":
			default:
				t.Errorf("%s, %s: %.300q is in the stream as %.300q", format.Name, c.name, bare, framed)
			}
		}
	}
}

func TestAppendChangeLeavesPrefixAlone(t *testing.T) {
	prefix := []byte("what \x00\xff was there")
	forEachFormat(t, func(t *testing.T, newEncoder func() Encoder) {
		t.Helper()
		for _, c := range nastyChanges() {
			want := newEncoder().AppendChange(nil, c.Change)
			rooms := []int{0, 1, 40, 700, 1 << 12, 1 << 16}
			if len(c.Value) >= 1<<20 {
				rooms = rooms[:1]
			}
			for _, room := range rooms {
				dst := append(make([]byte, 0, len(prefix)+room), prefix...)
				dst = newEncoder().AppendChange(dst, c.Change)
				if !bytes.HasPrefix(dst, prefix) {
					t.Fatalf("%s, room for %d bytes: prefix is now %q", c.name, room, dst[:len(prefix)])
				}
				if got := dst[len(prefix):]; !bytes.Equal(got, want) {
					t.Fatalf("%s, room for %d bytes:\n got %.300q\nwant %.300q", c.name, room, got, want)
				}
			}
		}
	})
}

// TestAppendChangeDependsOnChangeAlone runs one encoder over the table in several orders, overwrites
// each change behind it, and wants what a new encoder gives for each.
func TestAppendChangeDependsOnChangeAlone(t *testing.T) {
	forEachFormat(t, func(t *testing.T, newEncoder func() Encoder) {
		t.Helper()
		cases := nastyChanges()
		veteran := newEncoder()
		for _, step := range []int{1, len(cases) - 1} {
			for i := range cases {
				c := cases[i*step%len(cases)]
				want := newEncoder().AppendChange(nil, c.Change)
				lent := cloneChange(c.Change)
				got := veteran.AppendChange(nil, lent)
				poison(lent)
				if !bytes.Equal(got, want) {
					t.Fatalf("%s, step %d:\n got %.300q\nwant %.300q", c.name, step, got, want)
				}
			}
		}
	})
}

func TestAppendChangeDoesNotAllocate(t *testing.T) {
	forEachFormat(t, func(t *testing.T, newEncoder func() Encoder) {
		t.Helper()
		enc := newEncoder()
		dst := make([]byte, 0, 8<<20)
		for _, c := range nastyChanges() {
			if n := testing.AllocsPerRun(2, func() { enc.AppendChange(dst, c.Change) }); n != 0 {
				t.Errorf("%s: %v allocations", c.name, n)
			}
		}
	})
}

// goldenLimit keeps the golden files small: longer changes are left out of them.
const goldenLimit = 2048

func TestGolden(t *testing.T) {
	for _, format := range All() {
		t.Run(format.Name, func(t *testing.T) {
			var got []byte
			enc := format.New(Options{})
			for _, c := range nastyChanges() {
				if b := enc.AppendChange(nil, c.Change); len(b) <= goldenLimit {
					got = append(got, b...)
				}
			}
			checkGolden(t, filepath.Join("..", "testdata", "formats", format.Name+".golden"), got)
		})
	}
}

func checkGolden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(bytes.SplitAfter(want, []byte("\n")), bytes.SplitAfter(got, []byte("\n"))); diff != "" {
		t.Errorf("%s differs (-want +got), run with -update if that is right:\n%s", path, diff)
	}
}

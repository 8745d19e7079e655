package formats_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/formats"
	"pikabin/formats/formattest"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestFormatIsDescribed(t *testing.T) {
	for _, format := range formats.All() {
		if format.Name == "" || format.Doc == "" || format.Ext == "" || format.ContentType == "" || format.New == nil {
			t.Errorf("format %q: an empty field in %+v", format.Name, format)
		}
		if found, ok := formats.Lookup(format.Name); !ok || found.Name != format.Name {
			t.Errorf("Lookup(%q) does not find it", format.Name)
		}
	}
	if names := formats.Names(); !slices.IsSorted(names) || len(slices.Compact(names)) != len(formats.All()) {
		t.Errorf("Names() = %q, not sorted or not unique", names)
	}
}

// TestReadme finds each format, and each package beside this one, in the README.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range formats.All() {
		if row := "| `" + f.Name + "` | " + f.Doc + " |"; !strings.Contains(string(text), row) {
			t.Errorf("no row %s", row)
		}
	}
	packages, err := filepath.Glob("*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range packages {
		if row := "| `" + filepath.Dir(path) + "/` |"; !strings.Contains(string(text), row) {
			t.Errorf("no row %s", row)
		}
	}
}

// goldenLimit keeps the golden files small: longer changes are left out of them.
const goldenLimit = 2048

func TestGolden(t *testing.T) {
	for _, format := range formats.All() {
		if format.Name == "redis" { // which needs whole commands, and has a table of them in its own test
			continue
		}
		t.Run(format.Name, func(t *testing.T) {
			if format.Seal != nil && !goldenFiles {
				t.Skip("the bytes are those of another machine, the tests of the format read the rows")
			}
			got := []byte(format.Head)
			enc := format.New(formats.Options{})
			for _, c := range formattest.Changes() {
				if b := enc.AppendChange(nil, c.Change); len(b) <= goldenLimit {
					got = append(got, b...)
				}
			}
			if format.Seal != nil {
				got = sealed(t, &format, got)
			}
			checkGolden(t, filepath.Join("..", "testdata", "formats", format.Name+".golden"), got)
		})
	}
}

// sealed is a file of messages.
func sealed(t *testing.T, format *formats.Format, messages []byte) []byte {
	t.Helper()
	s, err := format.Seal(formats.SealOptions{Codec: "none"})
	if err != nil {
		t.Fatal(err)
	}
	return formattest.Sealed(t, s, messages)
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

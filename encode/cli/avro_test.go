package cli_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/avro/ocf"

	"pikabin/decode/binlogtest"
	"pikabin/formats/formattest"
)

// TestAvroEqualsJSONL converts every fixture into Avro, which has to say what JSON lines say, with any number of workers in the same bytes.
func TestAvroEqualsJSONL(t *testing.T) {
	eachFolder(t, func(t *testing.T, _ binlogtest.Fixture, from string) {
		t.Helper()
		file := convert(t, from, "-f", "avro", "--workers", "1")
		if again := convert(t, from, "-f", "avro", "--workers", "7"); !bytes.Equal(file, again) {
			t.Error("seven workers give other bytes than one")
		}
		compareRows(t, convert(t, from), avroRows(t, file))
	})
}

// TestAvroFolder reads the parts of a folder, each of which is a file, and a file that a second run continues.
func TestAvroFolder(t *testing.T) {
	from := filepath.Join(binlogtest.Testdata(t), "4.0.1-everytype", "log")
	out := t.TempDir()
	convert(t, from, "-f", "avro", "--compress", "snappy", "--roll-size", "20KiB", "-o", out+"/parts/")
	parts, err := filepath.Glob(out + "/parts/*.avro")
	if err != nil || len(parts) < 3 {
		t.Fatalf("%d parts: %v", len(parts), err)
	}
	slices.Sort(parts)
	var rows []map[string]any
	for _, part := range parts {
		rows = append(rows, avroRows(t, readFile(t, part))...)
	}
	compareRows(t, convert(t, from), rows)

	file := out + "/one.avro"
	for _, more := range [][]string{{"--limit", "5"}, {"--limit", "1"}, nil} {
		convert(t, append([]string{from, "-f", "avro", "-o", file, "--state", out + "/state"}, more...)...)
	}
	compareRows(t, convert(t, from), avroRows(t, readFile(t, file)))
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// avroRows are the records of a file.
func avroRows(t *testing.T, file []byte) (rows []map[string]any) {
	t.Helper()
	r, err := ocf.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for {
		var row any
		if err := r.Decode(&row); errors.Is(err, io.EOF) {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, formattest.Present(row.(map[string]any)))
	}
}

// compareRows wants rows to be what lines say.
func compareRows(t *testing.T, lines []byte, rows []map[string]any) {
	t.Helper()
	i := 0
	for line := range bytes.Lines(lines) {
		want := formattest.LineColumns(t, line)
		if i >= len(rows) || !reflect.DeepEqual(rows[i], want) {
			t.Fatalf("row %d of %d: %s", i, len(rows), cmp.Diff(want, rows[min(i, len(rows)-1)]))
		}
		i++
	}
	if i != len(rows) {
		t.Fatalf("%d rows, want %d", len(rows), i)
	}
}

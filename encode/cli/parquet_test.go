package cli_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
)

// TestParquetBytes converts every fixture with any number of workers, follows it, and interrupts that: the parts have the same bytes.
func TestParquetBytes(t *testing.T) {
	eachFolder(t, func(t *testing.T, _ binlogtest.Fixture, from string) {
		t.Helper()
		checkParquet(t, from)
	})
}

func checkParquet(t *testing.T, from string) {
	t.Helper()
	out := t.TempDir()
	lines := bytes.Count(convert(t, from), []byte("\n"))
	common := []string{"-f", "parquet", "--partition", "hive", "--row-group", "10KiB", "--memory", "1GiB"}
	var want map[string]string
	for i, args := range [][]string{
		{"convert", from, "--workers", "1"},
		{"convert", from, "--workers", "2"},
		{"convert", from, "--workers", "4"},
		{"tail", from, "--from", "start", "--idle-exit", "10ms"},
	} {
		to := filepath.Join(out, strconv.Itoa(i))
		var stdout, stderr bytes.Buffer
		if code := cli.Run(append(append(args, common...), "-q", "-o", to+"/"), &stdout, &stderr, ""); code != 0 {
			t.Fatalf("%q: %d: %s", args, code, stderr.String())
		}
		files := parts(t, to)
		if rows := rowsOf(t, files); rows != int64(lines) {
			t.Errorf("%q: %d rows, want %d", args, rows, lines)
		}
		if want == nil {
			want = files
		}
		if !maps.Equal(want, files) {
			t.Errorf("%q gives other bytes: %s", args, cmp.Diff(sizes(want), sizes(files)))
		}
	}
}

// parts are the contents of the parts of a folder.
func parts(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.HasPrefix(filepath.Base(path), ".") {
			name, _ := filepath.Rel(dir, path)
			files[name] = string(readFile(t, path))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func sizes(files map[string]string) map[string]int {
	list := map[string]int{}
	for name, data := range files {
		list[name] = len(data)
	}
	return list
}

// rowsOf counts the rows of Parquet files, none of which has the column db.
func rowsOf(t *testing.T, files map[string]string) (rows int64) {
	t.Helper()
	for name, data := range files {
		f, err := parquet.OpenFile(strings.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, ok := f.Schema().Lookup("db"); ok {
			t.Errorf("%s has the column db", name)
		}
		rows += f.NumRows()
	}
	return rows
}

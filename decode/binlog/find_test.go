package binlog_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

func under(top string, names ...string) []string {
	paths := make([]string, len(names))
	for i, name := range names {
		paths[i] = filepath.Join(top, filepath.FromSlash(name))
	}
	return paths
}

func TestFindLayouts(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		paths []string
		want  []string // DB, slot, slots, folder
	}{
		"flat": {
			files: []string{"log/", "log/pika.INFO", "log/pika.host.user.log.INFO.20250601-120000.1", "log/context"},
			paths: []string{"log"},
			want:  []string{"db0 -1 0 log"},
		},
		"DB folders in order of their numbers": {
			files: []string{"log/log_db10/", "log/log_db2/", "log/log_db0/", "log/log_db1_deleting/", "log/log_db3/x", "log/pika.INFO"},
			paths: []string{"log"},
			want:  []string{"db0 -1 0 log/log_db0", "db2 -1 0 log/log_db2", "db10 -1 0 log/log_db10"},
		},
		"slots": {
			files: []string{"log/log_db0/10/", "log/log_db0/9/", "log/log_db0/x/", "log/log_db0/07/", "log/log_t1/0/", "log/log_t1/1/"},
			paths: []string{"log"},
			want: []string{
				"db0 9 0 log/log_db0/9", "db0 10 0 log/log_db0/10",
				"t1 0 2 log/log_t1/0", "t1 1 2 log/log_t1/1",
			},
		},
		"one DB": {
			files: []string{"log/log_db0/", "log/log_db1/"},
			paths: []string{"log/log_db1"},
			want:  []string{"db1 -1 0 log/log_db1"},
		},
		"all slots of one DB": {
			files: []string{"log/log_db0/0/", "log/log_db0/1/"},
			paths: []string{"log/log_db0"},
			want:  []string{"db0 0 2 log/log_db0/0", "db0 1 2 log/log_db0/1"},
		},
		"one slot": {
			files: []string{"log/log_db0/0/", "log/log_db0/1/", "log/log_db0/2/"},
			paths: []string{"log/log_db0/1/"},
			want:  []string{"db0 1 3 log/log_db0/1"},
		},
		"links": {
			files: []string{"data/log_db1/", "log/log_db1 -> ../data/log_db1", "current -> log/log_db1"},
			paths: []string{"current"},
			want:  []string{"db1 -1 0 current"},
		},
		"a linked DB": {
			files: []string{"data/log_db1/", "log/log_db1 -> ../data/log_db1", "log/pika.INFO -> nowhere"},
			paths: []string{"log"},
			want:  []string{"db1 -1 0 log/log_db1"},
		},
		"leftovers of Pika 3.0": {
			files: []string{"log/", "log/log_db0/"},
			paths: []string{"log"},
			want:  []string{"db0 -1 0 log/log_db0"},
		},
		"files": {
			files: []string{"log_db1/", "log_db0/"},
			paths: []string{"log_db1/write2file0", "log_db0/write2file0", "log_db0/write2file0"},
			want:  []string{"db0 -1 0 log_db0", "db1 -1 0 log_db1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			top := binlogtest.Tree(t, c.files...)
			logs, err := binlog.Find(under(top, c.paths...), binlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, l := range logs {
				dir, _ := filepath.Rel(top, l.Dir())
				got = append(got, fmt.Sprintf("%s %d %d %s", l.ID().DB, l.ID().Slot, l.ID().Slots, filepath.ToSlash(dir)))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("logs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFindErrors(t *testing.T) {
	for name, c := range map[string]struct {
		files []string
		paths []string
		want  string
	}{
		"no path":                   {want: "no log given: expected Pika's log folder"},
		"no such path":              {paths: []string{"nothing"}, want: "nothing does not exist: expected Pika's log folder"},
		"a folder above":            {files: []string{"pika/a/x", "pika/log/log_db0/"}, paths: []string{"pika"}, want: "pika is not a Pika log folder, since no write2file segments or manifest are in it or in log_db*/ below it: did you mean the log in TOP/pika/log?"},
		"a folder below":            {files: []string{"log/log_db0/", "log/x/y"}, paths: []string{"log/x"}, want: "did you mean the log in TOP/log?"},
		"a misspelt folder":         {files: []string{"pika/log/"}, paths: []string{"pika/lgo/"}, want: "lgo does not exist: did you mean the log in TOP/pika/log?"},
		"a folder below the DB":     {files: []string{"log/log_db0/"}, paths: []string{"log/log_db0/db0"}, want: "did you mean the log in TOP/log/log_db0?"},
		"an empty folder":           {files: []string{"log/pika.INFO"}, paths: []string{"log"}, want: "is not a Pika log folder, since no write2file segments or manifest are in it or in log_db*/ below it: expected Pika's log folder"},
		"only a folder on its way":  {files: []string{"log/log_db0_deleting/"}, paths: []string{"log"}, want: "is not a Pika log folder"},
		"names that only look like": {files: []string{"log/write2file01", "log/write2file+1", "log/write2file4294967296", "log/write2file", "log/write2file1.bak"}, paths: []string{"log"}, want: "is not a Pika log folder"},
		"a text log":                {files: []string{"log/pika.INFO"}, paths: []string{"log/pika.INFO"}, want: "pika.INFO is not a Pika segment: expected Pika's log folder, the folder of one DB in it, or segments such as write2file12"},
		"the manifest":              {files: []string{"log/"}, paths: []string{"log/manifest"}, want: "manifest is not a Pika segment: did you mean the log in TOP/log?"},
		"the same DB twice":         {files: []string{"a/", "b/"}, paths: []string{"a", "b"}, want: "are both the log of db0"},
		"a folder and a file of it": {files: []string{"a/"}, paths: []string{"a", "a/write2file0"}, want: "are both the log of db0"},
		"only stale segments":       {files: []string{"a/", "a/write2file7"}, paths: []string{"a/write2file7"}, want: "above the manifest's position 0:69"},
	} {
		t.Run(name, func(t *testing.T) {
			top := binlogtest.Tree(t, c.files...)
			_, err := binlog.Find(under(top, c.paths...), binlog.Options{})
			if want := strings.ReplaceAll(c.want, "TOP", top); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("error %v, want one with %q", err, want)
			}
		})
	}
}

func oddityKinds(l *binlog.Log) []binlog.OddityKind {
	var kinds []binlog.OddityKind
	for _, o := range l.Oddities() {
		kinds = append(kinds, o.Kind)
	}
	return kinds
}

func TestOddities(t *testing.T) {
	type kinds = []binlog.OddityKind
	for name, c := range map[string]struct {
		files []string
		path  string
		want  kinds
	}{
		"healthy":                {files: []string{"log/"}, path: "log"},
		"stale segments":         {files: []string{"log/", "log/write2file3", "log/write2file4"}, path: "log", want: kinds{binlog.OddityStale}},
		"plain and archive":      {files: []string{"log/", "log/write2file0.zst", "log/write2file0.gz"}, path: "log", want: kinds{binlog.OddityTwice, binlog.OddityTwice}},
		"no manifest":            {files: []string{"log/write2file0"}, path: "log", want: kinds{binlog.OddityNoManifest}},
		"a manifest cut short":   {files: []string{"log/manifest", "log/write2file0"}, path: "log", want: kinds{binlog.OddityBadManifest}},
		"a manifest alone":       {files: []string{"log/manifest"}, path: "log", want: kinds{binlog.OddityBadManifest}},
		"leftovers of Pika 3.0":  {files: []string{"log/", "log/log_db0/"}, path: "log", want: kinds{binlog.OddityOldFlat}},
		"the segment of another": {files: []string{"log/", "log/write2file00"}, path: "log"},
	} {
		t.Run(name, func(t *testing.T) {
			l := findOne(t, under(binlogtest.Tree(t, c.files...), c.path)...)
			if diff := cmp.Diff(c.want, oddityKinds(l)); diff != "" {
				t.Errorf("notes (-want +got):\n%s\n%v", diff, l.Oddities())
			}
		})
	}
}

func TestSegments(t *testing.T) {
	top := binlogtest.Tree(t, "log/write2file10", "log/write2file9.zst", "log/write2file2", "log/write2file4294967295", "log/write2file3.gz", "log/write2file3")
	l := findOne(t, filepath.Join(top, "log"))
	var got []string
	for _, s := range l.Segments() {
		got = append(got, fmt.Sprint(s.Number, " ", filepath.Base(s.Path), " ", s.Size))
	}
	want := []string{
		"2 write2file2 4", "3 write2file3 4", "9 write2file9.zst 4", "10 write2file10 4", "4294967295 write2file4294967295 4",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("segments (-want +got):\n%s", diff)
	}
	if got, want := l.Start(), (decode.Position{Segment: 2}); got != want {
		t.Errorf("start %v, want %v", got, want)
	}
}

func TestUnreadableFolderIsNamed(t *testing.T) {
	top := binlogtest.Tree(t, "log/log_db0/", "log/log_db1 -> log_db1")
	if _, err := binlog.Find(under(top, "log"), binlog.Options{}); err == nil || !strings.Contains(err.Error(), "log_db1") {
		t.Errorf("error %v, want one that names log_db1", err)
	}
}

// TestSegmentJustMade: the segment that a healthy server is making is none of an older history; one that continues from elsewhere is.
func TestSegmentJustMade(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 20})
	for range 3 {
		w.Command("SET", "k", "v")
	}
	next := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 200})
	for range 4 {
		next.Command("SET", "k", "v")
	}
	for name, c := range map[string]struct {
		content []byte
		stale   int
	}{
		"empty":                      {nil, 0},
		"zeros":                      {make([]byte, 65536), 0},
		"the record that comes next": {next.Bytes(1), 0},
		"a first record of a log":    {w.Bytes(0), 1},
		"bytes that say nothing":     {[]byte("junkjunkjunk"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "log_db0")
			if err := errors.Join(w.WriteDir(dir), os.WriteFile(filepath.Join(dir, "write2file1"), c.content, 0o600)); err != nil {
				t.Fatal(err)
			}
			if l := findOne(t, dir); len(l.Stale()) != c.stale || len(l.Oddities()) != c.stale {
				t.Errorf("%d stale, oddities %v; want %d", len(l.Stale()), l.Oddities(), c.stale)
			}
		})
	}
}

// TestManySlots: each of them knows how many there are.
func TestManySlots(t *testing.T) {
	top := t.TempDir()
	const slots = 300
	for i := range slots {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: decode.G4})
		w.Command("SET", "k", "v")
		if err := w.WriteDir(filepath.Join(top, "log_db0", strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
	}
	logs, err := binlog.Find([]string{top}, binlog.Options{})
	if err != nil || len(logs) != slots {
		t.Fatalf("%d logs, %v", len(logs), err)
	}
	for i, l := range logs {
		if id := l.ID(); id.Slot != i || id.Slots != slots {
			t.Fatalf("log %d is slot %d of %d", i, id.Slot, id.Slots)
		}
	}
}

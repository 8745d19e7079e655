package compact_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/testmain"
	"pikabin/encode"
	"pikabin/encode/compact"
	"pikabin/encode/frame"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/readback"
	"pikabin/encode/readback/held"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// TestMain gives the credentials of the server of tests.
func TestMain(m *testing.M) {
	os.Setenv("AWS_ACCESS_KEY_ID", s3test.Key)
	os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.Secret)
	testmain.Run(m)
}

// hourlyLog is a log of two hours, with an event that comes late.
func hourlyLog(t *testing.T) []*binlog.Log {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 17})
	for i := range 16 {
		if w.Advance(450); i == 12 {
			w.Advance(-3600)
		}
		w.Command("SET", fmt.Sprintf("key%d", i), strings.Repeat(string(rune('a'+i)), 20_000))
		w.Command("SADD", fmt.Sprintf("set%d", i), "member", "\xff")
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	return sinktest.Find(t, dir)
}

// write puts the parts of a log into out, several for each hour.
func write(t *testing.T, fsys vfs.FS, format, compress string) {
	t.Helper()
	logs := hourlyLog(t)
	f, _ := formats.Lookup(format)
	c, err := frame.Parse(compress, f.Codecs...)
	if err != nil {
		t.Fatal(err)
	}
	o := encode.Options{Format: f, Compression: c, Workers: 1, Seal: formats.SealOptions{Version: "1"}}
	e := sink.Env{Disk: fsys, Format: format, Ext: o.Ext()}
	if frames, err := o.Frames(); err != nil || frames != nil {
		e.Frames = frames
	}
	if e.Head, err = o.Head(); err != nil {
		t.Fatal(err)
	}
	if f.Seal != nil {
		e.Seal = func(noDB bool) (sink.Sealer, error) { return o.Sealer(noDB) }
	}
	to, err := sinktest.Open(t, folder.Type, "out/", map[string]string{"partition": "hive", "roll-size": "1"}, e)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, logs, 1<<15), to, o); err != nil {
		t.Fatal(err)
	}
}

// options are those of all partitions of out.
func options(fsys vfs.FS, outcomes map[string]compact.Outcome) compact.Options {
	return compact.Options{
		Dir: "out", Staging: "staging", Target: 1 << 30, Version: "1", Disk: fsys, Now: func() time.Time { return time.Unix(1e9, 0) },
		Tell: func(p *compact.Outcome) error { outcomes[p.Dir] = *p; return nil }, Warn: func(string) {},
	}
}

// run merges all partitions of out, and gives what became of them by their folders.
func run(t *testing.T, fsys vfs.FS, change func(o *compact.Options)) (map[string]compact.Outcome, error) {
	t.Helper()
	outcomes := map[string]compact.Outcome{}
	o := options(fsys, outcomes)
	if change != nil {
		change(&o)
	}
	return outcomes, compact.Run(t.Context(), o)
}

// merged is run, which has to merge all of it.
func merged(t *testing.T, fsys vfs.FS) map[string]compact.Outcome {
	t.Helper()
	outcomes, err := run(t, fsys, nil)
	if err != nil {
		t.Fatal(err)
	}
	for dir, p := range outcomes {
		if p.Why != nil {
			t.Errorf("%s: %v", dir, p.Why)
		}
	}
	return outcomes
}

// visible are the files that readers of the table find, by their names.
func visible(files map[string]string) map[string]string {
	maps.DeleteFunc(files, func(name, _ string) bool {
		return !strings.HasPrefix(name, "out/") || strings.HasPrefix(filepath.Base(name), ".")
	})
	return files
}

// events are those of all parts, each with its folder, sorted.
func events(t *testing.T, files map[string]string) (all []string) {
	t.Helper()
	for name, data := range visible(files) {
		if filepath.Base(name) == folder.SuccessName {
			continue
		}
		for _, event := range read(t, name, data) {
			all = append(all, filepath.Dir(name)+" "+event)
		}
	}
	slices.Sort(all)
	return all
}

// read reads a part.
func read(t *testing.T, name, data string) (all []string) {
	t.Helper()
	f, err := readback.Lookup(held.FormatOf(name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := f.File(content{strings.NewReader(data), int64(len(data))}, "of the folder")
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	defer m.Close()
	for {
		message, err := m.Next(context.Background())
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, string(bytes.Clone(message)))
	}
}

// content is a file that is read back.
type content struct {
	*strings.Reader
	size int64
}

func (c content) Size() int64 { return c.size }

// parts are how many there are in each partition.
func parts(files map[string]string) map[string]int {
	n := map[string]int{}
	for name := range visible(files) {
		if _, ok := folder.ParsePartName(name); ok {
			n[filepath.Dir(name)]++
		}
	}
	return n
}

// same compares what readers find with what they found.
func same(t *testing.T, when string, want, have []string) {
	t.Helper()
	if slices.Equal(want, have) {
		return
	}
	t.Fatalf("%s: %d events, %d of them different ones, and not %d", when, len(have), len(slices.Compact(slices.Clone(have))), len(want))
}

// powerLoss is one of the first states that a power failure may leave, another one for each number.
func powerLoss(m *vfstest.Mem, which int) (one *vfstest.Mem) {
	which %= 17
	for left := range m.PowerLoss() {
		one = left
		if which--; which < 0 {
			break
		}
	}
	return one
}

// everyFormat are the formats and their compressions.
var everyFormat = [][2]string{
	{"jsonl", "none"},
	{"jsonl", "zstd"},
	{"jsonl", "gzip"},
	{"protobuf", "none"},
	{"protobuf", "zstd"},
	{"avro", "none"},
	{"avro", "deflate"},
	{"avro", "snappy"},
	{"avro", "zstd"},
	{"parquet", "zstd"},
	{"parquet", "none"},
	{"parquet", "snappy"},
	{"parquet", "gzip"},
}

// TestEveryFormat merges parts of each format and compression: one part stays of each partition, with the same events, and the next run finds nothing to do.
func TestEveryFormat(t *testing.T) {
	for _, c := range everyFormat {
		t.Run(fmt.Sprint(c[0], " ", c[1]), func(t *testing.T) {
			mem := vfstest.New()
			write(t, mem, c[0], c[1])
			want, before := events(t, mem.Files()), parts(mem.Files())
			planned, err := run(t, mem, func(o *compact.Options) { o.DryRun = true })
			if err != nil {
				t.Fatal(err)
			}
			outcomes := merged(t, mem)
			same(t, "merged", want, events(t, mem.Files()))
			for dir, n := range parts(mem.Files()) {
				p := outcomes[strings.TrimPrefix(dir, "out/")]
				if plan := planned[p.Dir]; n != 1 || p.Merged != 1 || p.Parts != before[dir] || plan.Parts != p.Parts || plan.Merged != p.Merged {
					t.Errorf("%s: %d parts became %d: %+v, planned %+v", dir, before[dir], n, p, plan)
				}
			}
			made := mem.Files()
			merged(t, mem)
			if !maps.Equal(made, mem.Files()) {
				t.Error("the next run changes something")
			}
		})
	}
}

package compact_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pikabin/encode/compact"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

const hour = "out/db=db0/dt=2025-06-01/hr=12/"

// lineAt is an event.
func lineAt(db string, at int) string {
	return fmt.Sprintf(`{"db":%q,"segment":12,"offset":%d,"op":"set","key":"k"}`+"\n", db, at)
}

// table is one of two parts, and what else there is.
func table(others map[string]string) *vfstest.Mem {
	mem := vfstest.New()
	files := map[string]string{
		hour + "db0-0000000012-000000000000.jsonl": lineAt("db0", 0) + lineAt("db0", 1),
		hour + "db0-0000000012-000000000005.jsonl": lineAt("db0", 5),
	}
	maps.Copy(files, others)
	for name, data := range files {
		for dir := filepath.Dir(name); dir != "."; dir = filepath.Dir(dir) {
			mem.Mkdir(dir, 0o777) //nolint:errcheck // it may be there
		}
		mem.WriteFile(name, []byte(data))
	}
	return mem
}

// TestLeftAsItIs gives a partition what cannot be merged: it says why, and stays what it was. Others are merged.
func TestLeftAsItIs(t *testing.T) {
	next := strings.Replace(hour, "hr=12", "hr=13", 1)
	for name, c := range map[string]struct {
		others map[string]string
		want   string
		waits  bool
	}{
		"a file of somebody else":      {map[string]string{hour + "notes.txt": "mine"}, "notes.txt is none of the parts", false},
		"a hidden file of another one": {map[string]string{hour + ".crc": ""}, ".crc is none of the parts", false},
		"a folder":                     {map[string]string{hour + "more/file": ""}, "more is no file", false},
		"an open part":                 {map[string]string{hour + ".db0-0000000012-000000000009.jsonl.part": ""}, "is being written", true},
		"a part to be sealed":          {map[string]string{hour + ".db0-0000000012-000000000009.parquet.sealed": ""}, "is being written", true},
		"commands as logged":           {map[string]string{hour + "db0-0000000012-000000000009.resp": "*1"}, "cannot be merged", false},
		"a copy of a part":             {map[string]string{hour + "db0-0000000012-000000000000~1.jsonl": lineAt("db0", 0)}, "are there twice", false},
		"parts that overlap":           {map[string]string{hour + "db0-0000000012-000000000003.jsonl": lineAt("db0", 3) + lineAt("db0", 6)}, "are there twice", false},
		"an event of another DB":       {map[string]string{hour + "db0-0000000012-000000000009.jsonl": lineAt("db1", 9)}, "an event of db1", false},
		"a part that is cut short":     {map[string]string{hour + "db0-0000000012-000000000009.jsonl": lineAt("db0", 9)[:20]}, "cut short", false},
		"what is no event":             {map[string]string{hour + "db0-0000000012-000000000009.jsonl": "{}\n"}, "no event", false},
		"damaged compression": {map[string]string{
			hour + "db0-0000000012-000000000009.jsonl.zst": "\x28\xb5\x2f\xfd\xff", hour + "db0-0000000012-000000000010.jsonl.zst": "",
		}, "000009.jsonl.zst", false},
		"no Parquet": {map[string]string{
			hour + "db0-0000000012-000000000009.parquet": "PAR1 and more of it PAR1", hour + "db0-0000000012-000000000010.parquet": "PAR1",
		}, "000009.parquet", false},
		"Avro of another schema": {map[string]string{
			hour + "db0-0000000012-000000000009.avro": "Obj\x01", hour + "db0-0000000012-000000000010.avro": "Obj\x01",
		}, "another schema", false},
	} {
		t.Run(name, func(t *testing.T) {
			c.others[next+"db0-0000000013-000000000000.jsonl"] = lineAt("db0", 0)
			c.others[next+"db0-0000000013-000000000005.jsonl"] = lineAt("db0", 5)
			mem := table(c.others)
			outcomes, err := run(t, mem, nil)
			if err != nil {
				t.Fatal(err)
			}
			p := outcomes[strings.Trim(strings.TrimPrefix(hour, "out/"), "/")]
			if p.Why == nil || !strings.Contains(p.Why.Error(), c.want) || p.Waits != c.waits {
				t.Errorf("%v, waits %t; want %q", p.Why, p.Waits, c.want)
			}
			have := mem.Files()
			for name, data := range c.others {
				if strings.HasPrefix(name, hour) && have[name] != data {
					t.Errorf("%s has changed", name)
				}
			}
			if n := parts(have)[filepath.Clean(next)]; n != 1 {
				t.Errorf("%d parts in the next partition", n)
			}
		})
	}
}

// TestStagingOfSomebodyElse names a staging folder that holds anything that is not compact's: nothing is removed there, and nothing merged.
func TestStagingOfSomebodyElse(t *testing.T) {
	for name, there := range map[string]string{
		"a file":                "staging/notes",
		"a folder of a name":    "staging/new/mine",
		"another one":           "staging/old/1/mine",
		"an output":             "staging/.pikabin.owner",
		"something beside ours": "staging/.pikabin.lock staging/new/db=db0/dt=2025-06-01/hr=12/f staging/notes",
		"a file in place of it": "staging/.pikabin.lock staging/old",
	} {
		t.Run(name, func(t *testing.T) {
			others := map[string]string{}
			for file := range strings.FieldsSeq(there) {
				others[file] = "mine"
			}
			mem := table(others)
			before := mem.Files()
			_, err := run(t, mem, func(o *compact.Options) { o.Staging = "staging" })
			if err == nil || !strings.Contains(err.Error(), "is not compact's") || !maps.Equal(before, mem.Files()) {
				t.Errorf("%v, %q", err, mem.Files())
			}
		})
	}
}

// TestGroups merges neighbours up to the target, of one format and one history, and leaves the others under their names.
func TestGroups(t *testing.T) {
	mem := table(map[string]string{
		hour + "_SUCCESS": "",
		hour + "db0-e0001-0000000012-000000000001.jsonl": strings.ReplaceAll(lineAt("db0", 1), `"op"`, `"epoch":1,"op"`),
		hour + "db0-e0001-0000000012-000000000002.jsonl": strings.ReplaceAll(lineAt("db0", 2), `"op"`, `"epoch":1,"op"`),
		hour + "db0-0000000012-000000000007-c0003.jsonl": strings.Repeat(" ", 300) + lineAt("db0", 7),
		hour + "db0-0000000012-000000000008.jsonl":       lineAt("db0", 8),
		hour + "db0-0000000012-000000000009.pb":          "",
		hour + "db%5F3-0000000012-000000000009.jsonl":    lineAt("db_3", 9),
		hour + "db0_3-0000000012-000000000000.jsonl":     `{"db":"db0","slot":3,"segment":12,"offset":0,"op":"set"}` + "\n",
		hour + "db0_3-0000000012-000000000001.jsonl":     `{"db":"db0","slot":3,"segment":12,"offset":1,"op":"set"}` + "\n",
	})
	before := events(t, mem.Files())
	outcomes, err := run(t, mem, func(o *compact.Options) { o.Target = 300 })
	if err != nil {
		t.Fatal(err)
	}
	same(t, "merged", before, events(t, mem.Files()))
	var names []string
	for name := range visible(mem.Files()) {
		names = append(names, filepath.Base(name))
	}
	want := []string{
		"_SUCCESS", "db0-0000000012-000000000000-c0004.jsonl", "db0-0000000012-000000000007-c0003.jsonl", "db0-0000000012-000000000008.jsonl",
		"db0-0000000012-000000000009.pb", "db0-e0001-0000000012-000000000001-c0004.jsonl", "db%5F3-0000000012-000000000009.jsonl", "db0_3-0000000012-000000000000-c0004.jsonl",
	}
	if missing := difference(want, names); len(missing)+len(names)-len(want) != 0 {
		t.Errorf("%q, without %q: %+v", names, missing, outcomes)
	}
}

// difference is what of a is not in b.
func difference(a, b []string) (only []string) {
	in := map[string]bool{}
	for _, s := range b {
		in[s] = true
	}
	for _, s := range a {
		if !in[s] {
			only = append(only, s)
		}
	}
	return only
}

// TestKeep keeps the parts of before for a while, and removes them in a later run.
func TestKeep(t *testing.T) {
	mem := table(nil)
	at := time.Unix(1e9, 0)
	keep := func(o *compact.Options) { o.Keep, o.Now = time.Hour, func() time.Time { return at } }
	for _, c := range []struct {
		after time.Duration
		kept  int
	}{{0, 2}, {time.Minute, 2}, {time.Hour, 0}} {
		at = time.Unix(1e9, 0).Add(c.after)
		if _, err := run(t, mem, keep); err != nil {
			t.Fatal(err)
		}
		kept := 0
		for name := range mem.Files() {
			if strings.HasPrefix(name, "staging/old/1000000000/") {
				kept++
			}
		}
		if kept != c.kept {
			t.Errorf("after %s %d parts of before are kept, want %d", c.after, kept, c.kept)
		}
	}
}

// TestOlderThan leaves alone what was written a moment ago.
func TestOlderThan(t *testing.T) {
	t.Chdir(t.TempDir())
	l := newTail(t, 1, vfs.OS{})
	for range 6 {
		l.write()
		l.flush(sink.Roll)
		l.save(true)
	}
	if err := l.sink.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	old := func(o *compact.Options) { o.OlderThan, o.Now = 2*time.Hour, time.Now }
	outcomes, err := run(t, vfs.OS{}, old)
	for dir, p := range outcomes {
		if !p.Waits {
			t.Errorf("%s: %+v", dir, p)
		}
	}
	files, _ := filepath.Glob("out/db=db0/*/*/db0-*")
	for _, name := range files {
		err = errors.Join(err, os.Chtimes(name, time.Time{}, time.Now().Add(-3*time.Hour)))
	}
	if err != nil {
		t.Fatal(err)
	}
	for dir, p := range mergedWith(t, old) {
		if p.Merged != 1 {
			t.Errorf("%s: %+v", dir, p)
		}
	}
}

func mergedWith(t *testing.T, change func(o *compact.Options)) map[string]compact.Outcome {
	t.Helper()
	outcomes, err := run(t, vfs.OS{}, change)
	if err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// TestRunsThatAreRefused: two at a time, a folder without partitions, a file system that exchanges nothing.
func TestRunsThatAreRefused(t *testing.T) {
	mem := table(nil)
	if _, err := mem.Lock("staging/.pikabin.lock"); err != nil {
		t.Fatal(err)
	}
	if _, err := run(t, mem, nil); err == nil || !strings.Contains(err.Error(), "another compact") {
		t.Errorf("two at a time: %v", err)
	}
	flat := table(map[string]string{"out/db0-0000000012-000000000000.jsonl": lineAt("db0", 0)})
	if _, err := run(t, flat, nil); err == nil || !strings.Contains(err.Error(), "--partition hive") {
		t.Errorf("no partitions: %v", err)
	}
	rigid := table(nil)
	before := events(t, rigid.Files())
	if _, err := run(t, noExchange{rigid}, nil); err == nil || !strings.Contains(err.Error(), "cannot exchange two folders") {
		t.Errorf("no exchange: %v", err)
	}
	same(t, "no exchange", before, events(t, rigid.Files()))
}

// noExchange is a file system that cannot exchange folders.
type noExchange struct{ *vfstest.Mem }

func (noExchange) Exchange(string, string) error { return errors.ErrUnsupported }

// TestFolderOfMergedParts is refused by a run that would write its events once more.
func TestFolderOfMergedParts(t *testing.T) {
	mem := table(nil)
	merged(t, mem)
	for _, e := range []sink.Env{{}, {Resume: true, State: "another"}} {
		e.Disk, e.Ext = mem, ".jsonl"
		_, err := sinktest.Open(t, folder.Type, "out/", map[string]string{"partition": "hive"}, e)
		if _, ok := errors.AsType[*sink.TargetError](err); !ok {
			t.Errorf("with a state %t: %v", e.Resume, err)
		}
	}
}

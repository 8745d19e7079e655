package run_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pikabin/encode/run"
)

// server makes the folders of a server, and others, and gives the files that are there.
func server(t *testing.T) (root string, files map[string]string) {
	t.Helper()
	root, files = t.TempDir(), map[string]string{}
	for _, name := range []string{
		"pika/log/log_db0/manifest", "pika/log/log_db0/write2file0", "pika/log/log_db0/write2file1", "pika/log/log_db1/manifest", "pika/log/log_db1/write2file7",
		"pika/log/log_db2/3/manifest", "pika/log/log_db2/3/write2file0", "pika/log/pika.INFO", "pika/dump/dump.rdb", "mine/old.jsonl", "mine/log_db9",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		files[path] = name
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root, files
}

// way reaches a path in a random way: by a detour, by links of all kinds to it and to the folders above it, and from the folder that is the present one.
func way(t *testing.T, random *rand.Rand, root, path string) string {
	t.Helper()
	link := func(to string) string {
		from := filepath.Join(root, "links", strconv.FormatUint(random.Uint64(), 10))
		if err := os.MkdirAll(filepath.Dir(from), 0o755); err != nil {
			t.Fatal(err)
		}
		if random.IntN(2) == 0 {
			to, _ = filepath.Rel(filepath.Dir(from), to)
		}
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
		return from
	}
	if random.IntN(4) == 0 {
		above := filepath.Dir(path)
		path = above + "/../" + filepath.Base(above) + "//./" + filepath.Base(path)
	}
	for range random.IntN(4) {
		switch random.IntN(3) {
		case 0:
			path = link(path)
		case 1:
			path = filepath.Join(link(filepath.Dir(path)), filepath.Base(path))
		case 2:
			hard := filepath.Join(root, fmt.Sprint("hard", random.Uint64()))
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() && os.Link(path, hard) == nil {
				path = hard
			}
		}
	}
	if wd, err := os.Getwd(); err == nil && random.IntN(4) == 0 {
		path, _ = filepath.Rel(wd, path)
	}
	return path
}

// TestGuardRefusesTheServersFiles reaches files of the server, there or not, in random ways: each is refused, for the output, the state, and what is
// written besides, from whatever source the run reads.
func TestGuardRefusesTheServersFiles(t *testing.T) {
	root, files := server(t)
	t.Chdir(filepath.Join(root, "mine"))
	random := rand.New(rand.NewPCG(1, 2))
	var theirs []string
	for path, name := range files {
		if strings.HasPrefix(name, "pika/log") {
			theirs = append(theirs, path, path+".new")
		}
	}
	theirs = append(theirs, filepath.Join(root, "pika/log/log_db5/new"), filepath.Join(root, "pika/log/new"))
	sources := []string{"pika/log", "pika/log/log_db0", "pika/log/log_db1", "pika/log/log_db2", "pika/log/log_db2/3"}
	for range 600 {
		source := way(t, random, root, filepath.Join(root, sources[random.IntN(len(sources))]))
		path := way(t, random, root, theirs[random.IntN(len(theirs))])
		g := run.NewGuard([]string{source})
		for what, err := range map[string]error{
			"output": g.Output(path), "folder": g.Output(strings.TrimSuffix(path, ".new") + "/"), "state": run.NewGuard([]string{source}).State(path), "blob": g.Write("blob", path),
		} {
			if err == nil {
				t.Fatalf("source %s: %s %s is taken", source, what, path)
			}
		}
	}
	for path, name := range files {
		if text, err := os.ReadFile(path); err != nil || string(text) != name {
			t.Errorf("%s has changed: %q, %v", name, text, err)
		}
	}
}

// TestGuardTakesOtherFiles reaches files that are not the server's.
func TestGuardTakesOtherFiles(t *testing.T) {
	root, _ := server(t)
	t.Chdir(filepath.Join(root, "mine"))
	random := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		g := run.NewGuard([]string{filepath.Join(root, "pika/log/log_db0")})
		for _, name := range []string{"mine/old.jsonl", "mine/new.jsonl", "pika/new.jsonl", "new"} {
			if err := g.Output(way(t, random, root, filepath.Join(root, name))); err != nil {
				if strings.Contains(err.Error(), "is the file of the") {
					continue
				}
				t.Fatal(err)
			}
		}
	}
}

// TestGuardKeepsFilesApart refuses an output that is the state, its lock or a generation beside it.
func TestGuardKeepsFilesApart(t *testing.T) {
	root, _ := server(t)
	t.Chdir(root)
	random := rand.New(rand.NewPCG(5, 6))
	state := filepath.Join(root, "mine", "state")
	for range 200 {
		for _, suffix := range []string{"", ".lock", ".prev", ".tmp", ".prev.tmp"} {
			g := run.NewGuard(nil)
			if err := g.State(way(t, random, root, state)); err != nil {
				t.Fatal(err)
			}
			if err := g.Output(way(t, random, root, state+suffix)); err == nil {
				t.Fatalf("the output is state%s", suffix)
			}
		}
	}
}

// TestGuardKeepsHiddenNames refuses a state under a hidden name in the folder of parts, and takes another one there.
func TestGuardKeepsHiddenNames(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	random := rand.New(rand.NewPCG(7, 8))
	parts := filepath.Join(root, "parts")
	if err := os.MkdirAll(filepath.Join(parts, "db=db0"), 0o755); err != nil {
		t.Fatal(err)
	}
	for range 30 {
		for name, refused := range map[string]bool{
			".pikabin.owner": true, ".pikabin.lock": true, ".db0-0000000000-000000000000.jsonl.part": true, "db=db0/.state": true, "state": false, "../.state": false,
		} {
			g := run.NewGuard(nil)
			if err := g.State(way(t, random, root, filepath.Join(parts, name))); err != nil {
				t.Fatal(err)
			}
			if err := g.Output(way(t, random, root, parts) + "/"); (err != nil) != refused {
				t.Fatalf("the state is %s: %v", name, err)
			}
		}
	}
}

// TestGuardLetsACopyBeWrittenBeside takes an output beside the folder of one DB that was copied away from its server.
func TestGuardLetsACopyBeWrittenBeside(t *testing.T) {
	root := t.TempDir()
	db := filepath.Join(root, "log_db0")
	if err := os.Mkdir(db, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"manifest", "write2file0"} {
		if err := os.WriteFile(filepath.Join(db, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := run.NewGuard([]string{db})
	if err := g.Output(filepath.Join(root, "out.jsonl")); err != nil {
		t.Error(err)
	}
	if err := g.Output(filepath.Join(db, "out.jsonl")); err == nil {
		t.Error("an output in the folder of the log is taken")
	}
}

// TestGuardLooksAtAServerOnce: what one log costs does not grow with the number of the others, of which a server may have a thousand.
func TestGuardLooksAtAServerOnce(t *testing.T) {
	root := t.TempDir()
	db := func(i int) string { return filepath.Join(root, fmt.Sprint("log_db", i)) }
	const dbs = 40
	for i := range dbs {
		if err := os.Mkdir(db(i), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"manifest", "write2file0"} {
			if err := os.WriteFile(filepath.Join(db(i), name), nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	first := testing.AllocsPerRun(1, func() { run.NewGuard(nil).Log(db(0)) })
	g := run.NewGuard(nil)
	g.Log(db(0))
	if next := testing.AllocsPerRun(1, func() { g.Log(db(1)) }); next > first/10 {
		t.Errorf("the first log takes %v allocations, the next one %v", first, next)
	}
	for i := range dbs {
		if err := g.Output(filepath.Join(db(i), "new")); err == nil {
			t.Errorf("an output in %s is taken", db(i))
		}
	}
}

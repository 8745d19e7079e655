package checkpoint

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/vfs/vfstest"
)

// twoSaves is a disk with a state and a generation before it.
func twoSaves(t *testing.T) *vfstest.Mem {
	t.Helper()
	m := vfstest.New()
	f := openOnMem(t, m)
	save(t, f, 1)
	save(t, f, 2)
	return m.Restart()
}

func without(t *testing.T, m *vfstest.Mem, name string) {
	t.Helper()
	if err := errors.Join(m.Remove(name), m.SyncDir(filepath.Dir(name))); err != nil {
		t.Fatal(err)
	}
}

// TestDamaged: a state that cannot be believed is named with what there is instead, and nothing is started from.
func TestDamaged(t *testing.T) {
	const takeIt = "the generation before it, /var/state.prev, is whole and holds db0 12:1, db1/3 1:0 (save 1): " +
		`"pikabin state /var/state --use-previous" takes it, "pikabin state /var/state --clear" begins anew`
	const none = `there is no generation before it that is whole; "pikabin state /var/state --clear" begins anew`
	for name, c := range map[string]struct {
		damage func(m *vfstest.Mem)
		want   string
	}{
		"empty":                       {func(m *vfstest.Mem) { m.WriteFile(testPath, nil) }, "is damaged: it holds 0 bytes and nothing in them; " + takeIt},
		"removed":                     {func(m *vfstest.Mem) { without(t, m, testPath) }, "is damaged: it is not there, though the generation before it is; " + takeIt},
		"and the one before":          {func(m *vfstest.Mem) { m.WriteFile(testPath, nil); m.WriteFile(testPath+".prev", nil) }, none},
		"and the one before it gone":  {func(m *vfstest.Mem) { m.WriteFile(testPath, nil); without(t, m, testPath+".prev") }, none},
		"removed, the one before bad": {func(m *vfstest.Mem) { without(t, m, testPath); m.WriteFile(testPath+".prev", nil) }, none},
	} {
		m := twoSaves(t)
		c.damage(m)
		for range 2 { // the lock is given back
			_, err := OpenOn(m, testPath)
			if damaged, ok := errors.AsType[*DamagedError](err); !ok || !strings.HasSuffix(damaged.Error(), c.want) {
				t.Errorf("%s: %v\nwant %s", name, err, c.want)
			}
		}
	}
}

// TestReplaceDamaged: what takes the place of a damaged state leaves the good generation before it alone.
func TestReplaceDamaged(t *testing.T) {
	m := twoSaves(t)
	m.WriteFile(testPath, []byte("{"))
	f, err := openOn(m, testPath, true)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.State(); ok {
		t.Error("a damaged state is a state")
	}
	if err := f.UsePrevious(); err != nil {
		t.Fatal(err)
	}
	if s, ok := f.State(); !ok || s.DBs["db0"].Position.Offset != 1 {
		t.Errorf("%+v", s)
	}
	if before, err := f.previous(); err != nil || before.Saves != 1 {
		t.Errorf("before: %+v, %v", before, err)
	}
}

// TestReplaceForeign: nothing takes the place of a file that never was a state. What is left of a state is none of these, wherever a bit
// was flipped or the rest is lost.
func TestReplaceForeign(t *testing.T) {
	for _, text := range []string{"mine", "{}", "PAR1\x00\x00PAR1", `{"db":"db0","segment":0,"key":"\"schema\": 1"}`, `{"schema":{"type":"struct"},"payload":{}}`, "\x00\x00\x08\x00manifest"} {
		m := vfstest.New()
		m.WriteFile(testPath, []byte(text))
		f, err := openOn(m, testPath, true)
		if err == nil {
			t.Fatalf("%q is replaced: %v", text, f.Close())
		}
		if !strings.Contains(err.Error(), "is no state of pikabin, and is left as it is") || m.Files()[testPath] != text {
			t.Errorf("%q: %v", text, err)
		}
	}
	whole := twoSaves(t).Files()[testPath]
	for i := range len(whole) {
		flipped := []byte(whole)
		flipped[i] ^= 1 << (i % 8)
		for _, text := range []string{whole[:i], string(flipped), whole[:i] + strings.Repeat("\x00", len(whole)-i)} {
			if i > len("{\n  \"schema\":") && isForeign([]byte(text)) {
				t.Fatalf("%q is no state", text)
			}
		}
	}
}

// TestUsePrevious twice is an undo of the undo.
func TestUsePrevious(t *testing.T) {
	f := openOnMem(t, twoSaves(t))
	for i, want := range []int64{1, 2} {
		if err := f.UsePrevious(); err != nil {
			t.Fatal(err)
		}
		if s, _ := f.State(); s.DBs["db0"].Position.Offset != want || s.Saves != uint64(3+i) {
			t.Errorf("%+v", s)
		}
	}
	f = openOnMem(t, vfstest.New())
	if err := f.UsePrevious(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestNewer(t *testing.T) {
	m := vfstest.New()
	m.WriteFile(testPath, []byte(`{"schema":9}`))
	for _, replace := range []bool{false, true} {
		_, err := openOn(m, testPath, replace)
		if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Path != testPath || newer.Schema != 9 {
			t.Errorf("%v", err)
		}
	}
}

// TestOnDisk is the life of a state on a real disk.
func TestOnDisk(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state")
	if _, ok, err := Load(path); ok || err != nil {
		t.Errorf("nothing there: %v, %v", ok, err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := f.State(); ok {
		t.Error("not new")
	}
	save(t, f, 1)
	save(t, f, 2)

	_, err = Open(path)
	if locked, ok := errors.AsType[*LockedError](err); !ok || locked.PID != os.Getpid() || locked.Path != f.Path() {
		t.Errorf("%v, want that this process has the lock", err)
	}
	if s, ok, err := Load(path); !ok || err != nil || s.Saves != 2 {
		t.Errorf("a look without the lock: %+v, %v, %v", s, ok, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = Open(path); err != nil {
		t.Fatal(err)
	}
	if s, ok := f.State(); !ok || s.Saves != 2 {
		t.Errorf("%+v", s)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	wantNames(t, dir, "state", "state.lock", "state.prev")
}

func wantNames(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

func TestModeIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	for _, mode := range []fs.FileMode{0o600, 0o644} {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		save(t, f, 1)
		save(t, f, 2)
		info, err := os.Stat(path)
		if err != nil || info.Mode() != mode {
			t.Errorf("%v, %v, want %v", info.Mode(), err, mode)
		}
		if err := errors.Join(f.Close(), os.Chmod(path, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestLinks: the file that a link leads to is replaced, not the link, and the lock lies beside that file.
func TestLinks(t *testing.T) {
	dir := t.TempDir()
	for _, sub := range []string{"etc", "disk"} {
		if err := os.Mkdir(filepath.Join(dir, sub), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"etc/a": "../disk/b", "disk/b": "c", "loop": "loop", "nowhere": "no/such/file"} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // at first it leads to nothing
		f, err := Open(filepath.Join(dir, "etc", "a"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Open(filepath.Join(dir, "disk", "c")); err == nil {
			t.Error("another name, another lock")
		}
		save(t, f, 1)
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	wantNames(t, filepath.Join(dir, "etc"), "a")
	wantNames(t, filepath.Join(dir, "disk"), "b", "c", "c.lock", "c.prev")
	if _, err := Open(filepath.Join(dir, "loop")); err == nil || !strings.Contains(err.Error(), "too many links") {
		t.Errorf("%v, want too many links", err)
	}
	for _, path := range []string{"nowhere", "no/such/folder"} {
		if _, err := Open(filepath.Join(dir, path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
		if _, _, err := Load(filepath.Join(dir, path)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"state", "other.lock"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"state": "reading the state: ", "other": "locking the state: "} {
		if _, err := Open(filepath.Join(dir, name)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

package vfstest_test

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

// write makes a file, synced or not.
func write(t *testing.T, fsys vfs.FS, name, text string, sync bool) {
	t.Helper()
	f, err := fsys.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if sync {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

// left are the contents that a file may have after a power failure, each once; "-": it is not there.
func left(m *vfstest.Mem, name string) []string {
	var list []string
	for lost := range m.PowerLoss() {
		text, ok := lost.Files()[name]
		if !ok {
			text = "-"
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// TestPowerLoss: only what was synced, content and name, is there for sure.
func TestPowerLoss(t *testing.T) {
	m := vfstest.New()
	wantLeft := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, left(m, "/d/new")); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	write(t, m, "/d/new", "text", false)
	wantLeft("nothing synced", "", "\x00\x00\x00\x00", "-", "te", "text")
	write(t, m, "/d/new", "text", true)
	wantLeft("content synced", "-", "text")
	if err := m.SyncDir("/d"); err != nil {
		t.Fatal(err)
	}
	wantLeft("all synced", "text")
	write(t, m, "/d/next", "more", true)
	if err := m.Rename("/d/next", "/d/new"); err != nil {
		t.Fatal(err)
	}
	wantLeft("renamed", "more", "text")
	if err := m.SyncDir("/d"); err != nil {
		t.Fatal(err)
	}
	wantLeft("folder synced", "more")
	if got := m.Restart().Files(); !cmp.Equal(got, map[string]string{"/d/new": "more"}) {
		t.Errorf("%v", got)
	}
}

// TestFaults: a fault is of one call, a crash of all after it.
func TestFaults(t *testing.T) {
	m := vfstest.New()
	m.Inject(vfstest.Fault{At: 2, Err: syscall.ENOSPC, Short: true})
	f, err := m.OpenFile("/a", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := f.Write([]byte("text")); n != 2 || !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%d, %v", n, err)
	}
	if n, err := f.Write([]byte("xt")); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	m.Inject(vfstest.Fault{At: 1, Crash: true})
	for range 2 {
		if err := m.Remove("/a"); !errors.Is(err, vfstest.ErrCrashed) || !m.Crashed() {
			t.Error(err)
		}
	}
	if got := m.Restart().Files(); !cmp.Equal(got, map[string]string{"/a": "text"}) {
		t.Errorf("%v", got)
	}
}

// TestSyncFails: what a sync has failed to write is lost, whatever the next one says.
func TestSyncFails(t *testing.T) {
	m := vfstest.New()
	write(t, m, "/a", "whole", true)
	f, err := m.OpenFile("/a", os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("lost")); err != nil {
		t.Fatal(err)
	}
	m.Inject(vfstest.Fault{At: 1, Err: syscall.ENOSPC})
	if err := f.Sync(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("%v", err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("%v", err)
	}
	if got := m.Files()["/a"]; got != "whole\x00\x00\x00\x00" {
		t.Errorf("%q", got)
	}
}

// TestLikePOSIX: what the order of a save rests on.
func TestLikePOSIX(t *testing.T) {
	for name, fsys := range map[string]vfs.FS{"memory": vfstest.New(), "disk": vfs.OS{}} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			a, b, c := dir+"/a", dir+"/b", dir+"/c"
			write(t, fsys, a, "text", true)
			if _, err := fsys.OpenFile(a, os.O_CREATE|os.O_EXCL, 0o600); !errors.Is(err, fs.ErrExist) {
				t.Errorf("open: %v", err)
			}
			if err := errors.Join(fsys.Link(a, b), fsys.SyncDir(dir)); err != nil {
				t.Fatal(err)
			}
			if err := fsys.Link(a, b); !errors.Is(err, fs.ErrExist) {
				t.Errorf("link over a file: %v", err)
			}
			if err := fsys.Rename(a, b); err != nil {
				t.Fatal(err)
			}
			if _, err := fsys.Stat(a); err != nil {
				t.Errorf("a rename over another name of the file keeps both: %v", err)
			}
			for _, err := range []error{fsys.Rename(c, a), fsys.Link(c, dir+"/d"), fsys.Remove(c)} {
				if !errors.Is(err, fs.ErrNotExist) {
					t.Errorf("nothing there: %v", err)
				}
			}
			locks(t, fsys, c)
		})
	}
}

func locks(t *testing.T, fsys vfs.FS, name string) {
	t.Helper()
	for range 2 {
		unlock, err := fsys.Lock(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Lock(name); !errors.Is(err, vfs.ErrLocked) {
			t.Errorf("lock: %v", err)
		}
		if err := unlock(); err != nil {
			t.Fatal(err)
		}
		if _, err := fsys.Stat(name); err != nil {
			t.Errorf("the lock is removed: %v", err)
		}
	}
}

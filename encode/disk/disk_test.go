package disk_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// TestReopenOfNothing: a file that had nothing in it and is gone is made again, under a name that no power failure takes.
func TestReopenOfNothing(t *testing.T) {
	for name, reopen := range map[string]func(*disk.Disk, context.Context, string, disk.Extent) (*disk.File, error){
		"user's": (*disk.Disk).Reopen, "own": (*disk.Disk).ReopenOwn,
	} {
		mem := vfstest.New()
		f, err := reopen(disk.New(&sink.Env{Disk: mem}), t.Context(), "out", disk.Extent{})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			t.Fatal(err)
		}
		for left := range mem.PowerLoss() {
			if _, err := left.Stat("out"); errors.Is(err, fs.ErrNotExist) {
				t.Errorf("%s: the file is gone after a power failure", name)
			}
		}
	}
}

// TestNothingAfterWhatHadNoRoom: when a batch had no room up to the end, none comes after it, and those before it are flushed.
func TestNothingAfterWhatHadNoRoom(t *testing.T) {
	var w disk.Writes
	full := &sink.FullError{Path: "out", Err: syscall.ENOSPC}
	var written, rewound int
	var ends []error
	for _, err := range []error{nil, full, nil} {
		w.Add(&sink.Batch{}, func(err error) { ends = append(ends, err) }, func() error { written++; return err }, func() error { rewound++; return nil })
	}
	if written != 2 || rewound != 1 || len(ends) != 2 || !errors.Is(ends[0], full) || !errors.Is(ends[1], full) {
		t.Errorf("%d written, %d rewound, %v", written, rewound, ends)
	}
	synced := 0
	err := w.Flush(func() (func() error, error) { return func() error { synced++; return nil }, nil })
	if err != nil || synced != 1 || len(ends) != 3 || ends[2] != nil {
		t.Errorf("flush: %v, %d synced, %v", err, synced, ends)
	}
}

// TestReplaceThroughNoLink: a link that has the name of the file that is made first is no way into another file.
func TestReplaceThroughNoLink(t *testing.T) {
	dir := t.TempDir()
	victim, path := filepath.Join(dir, "victim"), filepath.Join(dir, "page")
	if err := os.WriteFile(victim, []byte("theirs"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, filepath.Join(dir, ".page.part")); err != nil {
		t.Fatal(err)
	}
	if err := disk.New(&sink.Env{}).Replace(t.Context(), path, []byte("ours")); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{victim: "theirs", path: "ours"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
		}
	}
}

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// smallDisk is a disk of its own on which a file takes all room, from time to time.
type smallDisk struct {
	tb   testing.TB
	dir  string
	full bool
}

const smallDiskSize = "size=48m"

// newSmallDisk mounts a disk, which takes the rights of root (or of a user namespace: unshare -rm).
func newSmallDisk(tb testing.TB, dir string) *smallDisk {
	tb.Helper()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, smallDiskSize); err != nil {
		tb.Fatalf("mounting a small disk, which root can, or anybody within unshare -rm: %v", err)
	}
	tb.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			tb.Error(err)
		}
	})
	return &smallDisk{tb: tb, dir: dir}
}

func (d *smallDisk) filler() string { return filepath.Join(d.dir, ".filler") }

// fill leaves no room.
func (d *smallDisk) fill() {
	d.tb.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		d.tb.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = f.Write(block)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.tb.Fatal(err)
	}
	d.full = true
}

// free gives the room back.
func (d *smallDisk) free() {
	d.tb.Helper()
	if err := os.Remove(d.filler()); d.full && err != nil {
		d.tb.Fatal(err)
	}
	d.full = false
}

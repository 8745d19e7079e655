package torture

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

var stalledFor = flag.Duration("torture.stalled", 0, "for how long nobody reads in TestStalledMemory")

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

// peak is the most memory that a process has had, in bytes; 0 if it has ended.
func peak(tb testing.TB, p *clitest.Program) int64 {
	tb.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.Cmd.Process.Pid))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		tb.Fatal(err)
	}
	_, text, there := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(text, &kib); there && err != nil {
		tb.Fatal(err)
	}
	return kib << 10
}

// aboveMemory is what the program takes at most besides --memory: the runtime and its reserve, the buffers of the workers,
// and, with the race detector, that as well.
func aboveMemory(tb testing.TB) int64 {
	tb.Helper()
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "-race" && s.Value == "true" {
			return 256 << 20
		}
	}
	return 64 << 20
}

// checkMemory compares the most memory that a process has had with the bound of --memory, and returns it.
func checkMemory(tb testing.TB, p *clitest.Program, memory int64) int64 {
	tb.Helper()
	got, most := peak(tb, p), memory+aboveMemory(tb)
	if got > most {
		tb.Errorf("%d MiB with --memory of %d MiB, want %d MiB at most", got>>20, memory>>20, most>>20)
	}
	return got
}

// TestStalledMemory: while nobody reads, reading stops, though the server writes many times --memory. Nothing is lost by it.
func TestStalledMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("it writes much, and TestTorture runs the same goroutines")
	}
	const memory, times = 16 << 20, 4
	dir := t.TempDir()
	log, journal := filepath.Join(dir, "log"), filepath.Join(dir, "journal")
	w := process.Start(t, log, "--journal", journal, "--value-size", "1000..20000", "--db", "2", "--rate", "1e9", "--segment-size", "20000000")
	at := w.Do("position")
	p, stdout := tailToPipe(t, log, "--from", "start", "--memory", strconv.Itoa(memory), "--idle-exit", "300ms")
	readable(t, p, stdout)
	stalled := time.Now()
	p.Until("the writer's bytes", func() bool {
		now := w.Do("position")
		written := int64(now.Segment-at.Segment)*20_000_000 + now.Offset - at.Offset
		return written > times*memory && time.Since(stalled) > *stalledFor
	})
	t.Logf("stalled memory: %d MiB with --memory of %d MiB", checkMemory(t, p, memory)>>20, memory>>20)
	w.Quit()
	a := account{history: readHistory(t, journal, log), next: map[string]int{}}
	if err := errors.Join(a.takeAll(stdout, false), a.complete()); err != nil {
		t.Errorf("%v:\n%s", err, &p.Messages)
	}
	p.Exits(0)
}

// TestFullDevice: a device without room, which cannot be cut to what was delivered, ends the run, and the message says why.
func TestFullDevice(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	w := process.Start(t, log)
	w.Put(10)
	p := clitest.Start(t, nil, "tail", log, "--from", "start", "--state", state, "-o", "/dev/full")
	p.Exits(exit.Sink)
	if p.Messages.Count("no space left") == 0 {
		t.Errorf("it says:\n%s", &p.Messages)
	}
	if got := positionOf(t, state); got != (decode.Position{}) {
		t.Errorf("the state says %v, and nothing was delivered", got)
	}
}

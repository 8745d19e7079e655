//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/encode/checkpoint"
)

// The flags that make the short test a long one: scripts/torture.sh.
var (
	tortureKills = flag.Int("torture.kills", 6, "how often each scenario of TestTorture is killed")
	tortureTime  = flag.Duration("torture.time", time.Hour, "when TestTorture ends, however few the kills")
	tortureRound = flag.Int("torture.round", 100, "after how many kills a log is compared and the next one begun")
	tortureOnly  = flag.String("torture.only", "", "scenarios of TestTorture, a `regexp`")
	tortureDisk  = flag.Bool("torture.disk", false, "scenarios on small disks that fill up, too, which only root can mount")
	tortureDir   = flag.String("torture.dir", "", "where to put the files; those of a failure stay there")
	tortureSeed  = flag.Uint64("torture.seed", 1, "of sizes and moments")
)

// scenarios are what TestTorture kills. Those on a small disk need rights that a test does not have everywhere.
func scenarios() []scenario {
	list := []scenario{
		{name: "stdout"},
		{name: "file", output: "changes.jsonl"},
		{name: "file-zstd", output: "changes.jsonl.zst"},
		{name: "file-gzip", output: "changes.jsonl.gz", args: []string{"--workers", "1"}},
		{name: "folder", output: "changes/", args: []string{"--roll-size", "50KiB"}},
		{name: "folder-zstd", output: "changes/", args: []string{"--compress", "zstd", "--roll-interval", "100ms"}},
		{name: "folder-gzip", output: "changes/", args: []string{"--compress", "gzip", "--poll"}},
		{name: "folder-hive", output: "changes/", args: []string{"--compress", "zstd", "--partition", "hive", "--roll-size", "10KiB"}},
		{name: "convert-stdout", command: "convert"},
		{name: "convert-file", command: "convert", output: "changes.jsonl.zst"},
		{name: "convert-folder", command: "convert", output: "changes/", args: []string{"--roll-size", "50KiB"}},
	}
	if !*tortureDisk {
		return list
	}
	writer := []string{"--rate", "500", "--value-size", "10..500"} // all of it finds room
	return append(list,
		scenario{name: "disk-stdout", disk: true, writer: writer},
		scenario{name: "disk-file", output: "changes.jsonl", disk: true, writer: writer},
		scenario{name: "disk-file-zstd", output: "changes.jsonl.zst", disk: true, writer: writer},
		scenario{name: "disk-folder", output: "changes/", args: []string{"--roll-size", "50KiB"}, disk: true, writer: writer},
		scenario{name: "disk-folder-zstd", output: "changes/", args: []string{"--compress", "zstd", "--roll-interval", "1s"}, disk: true, writer: writer},
		scenario{name: "night-pin", output: "changes/", args: []string{"--compress", "zstd"}, disk: true, purges: true},
		scenario{name: "night-skip", output: "changes.jsonl.zst", args: []string{"--on-gap=skip"}, disk: true, purges: true, losing: true},
		scenario{name: "night-skip-stdout", args: []string{"--on-gap=skip"}, disk: true, purges: true, losing: true},
		scenario{name: "disk-convert", command: "convert", output: "changes.jsonl.gz", disk: true, writer: writer},
	)
}

// TestTorture kills pikabin and the server again and again, and compares what came out with what was committed.
func TestTorture(t *testing.T) {
	only := regexp.MustCompile(*tortureOnly)
	deadline := time.Now().Add(*tortureTime)
	for _, s := range scenarios() {
		if !only.MatchString(s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var sum tally
			for seed := *tortureSeed; sum.kills < *tortureKills && time.Now().Before(deadline) && !t.Failed(); seed++ {
				t.Run(fmt.Sprint("seed-", seed), func(t *testing.T) {
					r := newRound(t, s, roundDir(t), seed)
					done := r.torture(min(*tortureRound, *tortureKills-sum.kills), deadline)
					sum.add(&done)
				})
			}
			t.Logf("%s: %v", s.name, &sum)
		})
	}
}

// roundDir is a folder that goes with the test, or stays if it has failed and was asked for by -torture.dir.
func roundDir(t *testing.T) string {
	t.Helper()
	if *tortureDir == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(*tortureDir, "round")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the files are in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// TestKilledAfterRotation: a server that was killed between a rotation and the put that had asked for it goes on with the same
// history, though its next record names the beginning of the segment as the end of the log before it.
func TestKilledAfterRotation(t *testing.T) {
	dir := t.TempDir()
	log, journal := filepath.Join(dir, "log"), filepath.Join(dir, "journal")
	w := pikasim.Start(t, log, "--journal", journal)
	w.Put(10)
	w.Rotate()
	w.Kill()
	w.Restart()
	w.Put(10)
	w.Rotate()
	w.Put(10)
	w.Quit()
	p, stdout := tailToPipe(t, log, "--from", "start", "--idle-exit", "100ms")
	a := account{history: readHistory(t, journal, log), next: map[string]int{}}
	if err := errors.Join(a.takeAll(stdout, false), a.complete()); err != nil {
		t.Errorf("%v:\n%s", err, &p.messages)
	}
	p.exits(0)
}

// tailToPipe runs tail into a pipe and gives the end to read from.
func tailToPipe(t *testing.T, args ...string) (*program, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	defer w.Close()
	return startProgram(t, w, append([]string{"tail"}, args...)...), r
}

// blocked is a tail into a pipe that keeps a state, beside a writer which has put more than a pipe takes.
func blocked(t *testing.T) (p *program, stdout *os.File, state string) {
	t.Helper()
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	w := pikasim.Start(t, log, "--value-size", "1000")
	w.Put(1000)
	p, stdout = tailToPipe(t, log, "--from", "start", "--state", state)
	return p, stdout, state
}

// lastEnd is the end of the last whole event.
func lastEnd(t *testing.T, text []byte) decode.Position {
	t.Helper()
	lines := bytes.Split(text, []byte("\n"))
	var e event
	if err := json.Unmarshal(lines[len(lines)-2], &e); err != nil {
		t.Fatal(err)
	}
	return decode.Position{Segment: e.Segment, Offset: e.End}
}

func positionOf(t *testing.T, state string) decode.Position {
	t.Helper()
	s, _, err := checkpoint.Load(state)
	if err != nil {
		t.Fatal(err)
	}
	return s.DBs["db0"].Position
}

// TestTerminated: what was read when the signal comes is delivered, as soon as somebody reads it, and saved.
func TestTerminated(t *testing.T) {
	p, stdout, state := blocked(t)
	p.readable(stdout)
	p.signal(syscall.SIGTERM)
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	p.exits(0)
	if got, want := positionOf(t, state), lastEnd(t, text); got != want {
		t.Errorf("the state says %v, delivered is %v", got, want)
	}
}

// readable waits until there is something in the pipe.
func (p *program) readable(pipe *os.File) {
	p.tb.Helper()
	p.until("something in the pipe", func() bool {
		fds := []unix.PollFd{{Fd: int32(pipe.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return n == 1 && err == nil
	})
}

// TestTerminatedTwice: the second signal does not wait for a reader.
func TestTerminatedTwice(t *testing.T) {
	p, stdout, _ := blocked(t)
	p.readable(stdout)
	// The first one may come in the place of the second, so both are sent until it has ended.
	if p.until("the end", func() bool { p.signal(syscall.SIGTERM); return false }) {
		t.Error("it goes on")
	}
	p.exits(-int(syscall.SIGTERM))
}

// TestReaderGone: a closed pipe is the end, with what was delivered before in the state.
func TestReaderGone(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	w := pikasim.Start(t, log, "--value-size", "1000")
	want := w.Put(10)
	p, stdout := tailToPipe(t, log, "--from", "start", "--state", state)
	p.until("a save", func() bool { return positionOf(t, state) == want })
	second := startProgram(t, nil, "tail", log, "--state", state)
	second.exits(exitLocked)
	w.Put(1000) // more than the pipe takes
	if _, err := io.CopyN(io.Discard, stdout, 50_000); err != nil {
		t.Fatal(err)
	}
	stdout.Close()
	p.exits(0)
	if text := p.messages.String(); strings.Contains(text, "broken pipe") {
		t.Errorf("it says:\n%s", text)
	}
	if got := positionOf(t, state); got != want {
		t.Errorf("the state says %v, want %v", got, want)
	}
}

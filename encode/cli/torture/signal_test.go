//go:build unix

package torture

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

// TestKilledAfterRotation: a server that was killed between a rotation and the put that had asked for it continues with the same
// history, though its next record names the beginning of the segment as the end of the log before it.
func TestKilledAfterRotation(t *testing.T) {
	dir := t.TempDir()
	log, journal := filepath.Join(dir, "log"), filepath.Join(dir, "journal")
	w := process.Start(t, log, "--journal", journal)
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
		t.Errorf("%v:\n%s", err, &p.Messages)
	}
	p.Exits(0)
}

// tailToPipe runs tail into a pipe and gives the end to read from.
func tailToPipe(t *testing.T, args ...string) (*clitest.Program, *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	defer w.Close()
	return clitest.Start(t, w, append([]string{"tail"}, args...)...), r
}

// blocked is a tail into a pipe that keeps a state, beside a writer which has put more than a pipe takes.
func blocked(t *testing.T) (p *clitest.Program, stdout *os.File, state string) {
	t.Helper()
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	w := process.Start(t, log, "--value-size", "1000")
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

// endsDelivered reads until the end of the run, whose state is of the last event that came.
func endsDelivered(t *testing.T, p *clitest.Program, stdout io.Reader, state string) {
	t.Helper()
	text, err := io.ReadAll(stdout)
	if err != nil {
		t.Fatal(err)
	}
	p.Exits(0)
	if got, want := positionOf(t, state), lastEnd(t, text); got != want {
		t.Errorf("the state says %v, delivered is %v", got, want)
	}
}

// TestTerminated: what was read when the signal comes is delivered, as soon as somebody reads it, and saved.
func TestTerminated(t *testing.T) {
	p, stdout, state := blocked(t)
	readable(t, p, stdout)
	p.Signal(syscall.SIGTERM)
	endsDelivered(t, p, stdout, state)
}

// TestTerminatedInTwoWays: signals that come with the first one are the same request, as timeout(1) and some supervisors signal a program and its group.
// While it is stopped both are kept for it.
func TestTerminatedInTwoWays(t *testing.T) {
	p, stdout, state := blocked(t)
	readable(t, p, stdout)
	for _, s := range []syscall.Signal{syscall.SIGSTOP, syscall.SIGTERM, syscall.SIGINT, syscall.SIGCONT} {
		p.Signal(s)
	}
	p.Says("another signal ends it at once")
	endsDelivered(t, p, stdout, state)
}

// TestTerminatedAtStart: brokers that do not answer are not waited for.
func TestTerminatedAtStart(t *testing.T) {
	log := filepath.Join(binlogtest.Testdata(t), "2.2.6-everytype/log")
	for command, code := range map[string]int{"tail": 0, "convert": exit.Interrupted} {
		broker, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { broker.Close() })
		p := clitest.Start(t, nil, command, log, "-o", "kafka://"+broker.Addr().String()+"/topic")
		if _, err := broker.Accept(); err != nil {
			t.Fatal(err)
		}
		p.Signal(syscall.SIGTERM)
		p.Exits(code)
		if text := p.Messages.String(); !strings.Contains(text, "told to end before the output was open: kafka: asking the brokers") {
			t.Errorf("%s says:\n%s", command, text)
		}
	}
}

// readable waits until there is something in the pipe.
func readable(t *testing.T, p *clitest.Program, pipe *os.File) {
	t.Helper()
	p.Until("something in the pipe", func() bool {
		fds := []unix.PollFd{{Fd: int32(pipe.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(fds, 0)
		return n == 1 && err == nil
	})
}

// TestTerminatedTwice: the second signal does not wait for a reader. It is the cause of death.
func TestTerminatedTwice(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			p, stdout, _ := blocked(t)
			readable(t, p, stdout)
			// Those that come soon are taken for the first one, so they are sent until it has ended.
			if p.Until("the end", func() bool { p.Signal(s); return false }) {
				t.Error("it continues")
			}
			p.Exits(-int(s))
		})
	}
}

// TestReaderGone: a closed pipe is the end, with what was delivered before in the state.
func TestReaderGone(t *testing.T) {
	dir := t.TempDir()
	log, state := filepath.Join(dir, "log"), filepath.Join(dir, "state")
	w := process.Start(t, log, "--value-size", "1000")
	want := w.Put(10)
	p, stdout := tailToPipe(t, log, "--from", "start", "--state", state)
	p.Until("a save", func() bool { return positionOf(t, state) == want })
	second := clitest.Start(t, nil, "tail", log, "--state", state)
	second.Exits(exit.Locked)
	end := w.Put(1000) // more than the pipe takes
	if _, err := io.CopyN(io.Discard, stdout, 50_000); err != nil {
		t.Fatal(err)
	}
	stdout.Close()
	p.Exits(0)
	if text := p.Messages.String(); strings.Contains(text, "broken pipe") {
		t.Errorf("it says:\n%s", text)
	}
	if got := positionOf(t, state); got.Before(want) || !got.Before(end) {
		t.Errorf("the state says %v, want at least %v, and less than %v", got, want, end)
	}
}

// TestHangupEndsNothing: a service's reload, or a terminal that is closed, and the tail writes what comes afterwards.
func TestHangupEndsNothing(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	w := process.Start(t, log)
	w.Put(10)
	p, stdout := tailToPipe(t, log, "--from", "start")
	readable(t, p, stdout)
	p.Signal(syscall.SIGHUP)
	p.Signal(syscall.SIGHUP)
	w.Put(10)
	lines := 0
	r := bufio.NewScanner(stdout)
	for lines < 20 && r.Scan() {
		lines++
	}
	if lines != 20 {
		t.Errorf("%d of 20 events:\n%s", lines, &p.Messages)
	}
	p.Signal(syscall.SIGTERM)
	p.Exits(0)
}

// TestHangupRotatesAFile: a file that was moved is complete at the hangup, a new one follows it, and the state is of the new one.
func TestHangupRotatesAFile(t *testing.T) {
	dir := t.TempDir()
	log, out, state := filepath.Join(dir, "log"), filepath.Join(dir, "out.jsonl"), filepath.Join(dir, "state")
	w := process.Start(t, log)
	w.Put(10)
	events := func(path string) int {
		text, _ := os.ReadFile(path)
		return bytes.Count(text, []byte("\n"))
	}
	args := []string{"tail", log, "--from", "start", "--state", state, "-o", out}
	p := clitest.Start(t, nil, args...)
	p.Until("ten events", func() bool { return events(out) == 10 })
	if err := os.Rename(out, out+".1"); err != nil {
		t.Fatal(err)
	}
	p.Signal(syscall.SIGHUP)
	p.Until("a new file", func() bool { _, err := os.Stat(out); return err == nil })
	w.Put(10)
	p.Until("the next events", func() bool { return events(out) == 10 })
	p.Signal(syscall.SIGTERM)
	p.Exits(0)
	w.Put(10)
	p = clitest.Start(t, nil, append(args, "--idle-exit", "100ms")...)
	p.Exits(0)
	if old, now := events(out+".1"), events(out); old != 10 || now != 20 {
		t.Errorf("%d events before the hangup and %d after it, want 10 and 20", old, now)
	}
}

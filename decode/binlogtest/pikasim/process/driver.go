//go:build unix

package process

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
)

// childVariable is set for the process that Start makes.
const childVariable = "PIKASIM_CHILD"

// IsChild reports whether this process is one that Start has made. A test binary that uses Start begins with
//
//	func TestMain(m *testing.M) {
//		if IsChild() {
//			os.Exit(pikasim.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
//		}
//		os.Exit(m.Run())
//	}
func IsChild() bool { return os.Getenv(childVariable) != "" }

// Driver drives a pikasim in another process. Its methods end the test when they fail.
type Driver struct {
	tb     testing.TB
	dir    string
	args   []string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	stdout *bufio.Reader
}

// Start runs pikasim on a folder in another process, which is this test's binary once more (see IsChild). args are flags of
// Main. The process ends with the test.
func Start(tb testing.TB, dir string, args ...string) *Driver {
	tb.Helper()
	d := &Driver{tb: tb, dir: dir, args: args}
	d.start()
	tb.Cleanup(d.Kill)
	return d
}

func (d *Driver) start() {
	d.tb.Helper()
	exe, err := os.Executable()
	d.check(err)
	d.cmd = exec.CommandContext(d.tb.Context(), exe, append(slices.Clip(d.args), d.dir)...) //nolint:gosec // the test itself
	d.cmd.Env = append(os.Environ(), childVariable+"=1")
	d.cmd.Stderr = os.Stderr
	d.stdin, err = d.cmd.StdinPipe()
	d.check(err)
	stdout, err := d.cmd.StdoutPipe()
	d.check(err)
	d.stdout = bufio.NewReader(stdout)
	d.check(d.cmd.Start())
	d.answer("start") // the folder is there
}

func (d *Driver) check(err error) {
	d.tb.Helper()
	if err != nil {
		d.tb.Fatalf("pikasim: %v", err)
	}
}

// Do has a command obeyed and returns the manifest's position.
func (d *Driver) Do(format string, args ...any) decode.Position {
	d.tb.Helper()
	command := fmt.Sprintf(format, args...)
	_, err := io.WriteString(d.stdin, command+"\n")
	d.check(err)
	return d.answer(command)
}

func (d *Driver) answer(to string) decode.Position {
	d.tb.Helper()
	answer, err := d.stdout.ReadString('\n')
	d.check(err)
	text, ok := strings.CutPrefix(strings.TrimSpace(answer), "ok ")
	if !ok {
		d.tb.Fatalf("pikasim: %s: %s", to, answer)
	}
	at, err := decode.ParsePosition(text)
	d.check(err)
	return at
}

// Put puts n records.
func (d *Driver) Put(n int) decode.Position {
	d.tb.Helper()
	return d.Do("put %d", n)
}

// Set puts one record. A key has no spaces, and neither has a newline.
func (d *Driver) Set(key, value string) decode.Position {
	d.tb.Helper()
	return d.Do("set %s %s", key, value)
}

// Rotate continues with the next segment.
func (d *Driver) Rotate() decode.Position {
	d.tb.Helper()
	return d.Do("rotate")
}

// Purge keeps n segments.
func (d *Driver) Purge(n int) decode.Position {
	d.tb.Helper()
	return d.Do("purge %d", n)
}

// FullSync does a full sync at a master's position.
func (d *Driver) FullSync(to decode.Position) decode.Position {
	d.tb.Helper()
	return d.Do("fullsync %v", to)
}

// Truncate cuts the log at a position.
func (d *Driver) Truncate(to decode.Position) decode.Position {
	d.tb.Helper()
	return d.Do("truncate %v", to)
}

// Kill ends the process by SIGKILL and waits for its end. Once it has ended nothing happens.
func (d *Driver) Kill() {
	if d.cmd == nil {
		return
	}
	_ = d.cmd.Process.Kill()
	d.reap()
}

// Wait waits for a process that ends by itself.
func (d *Driver) Wait() {
	if d.cmd != nil {
		d.reap()
	}
}

func (d *Driver) reap() {
	_ = d.cmd.Wait()
	d.cmd = nil
}

// Restart runs the program again, with the same flags. One that runs is killed before.
func (d *Driver) Restart() {
	d.tb.Helper()
	d.Kill()
	d.start()
}

// Quit is a clean stop of servers and program.
func (d *Driver) Quit() decode.Position {
	d.tb.Helper()
	at := d.Do("quit")
	d.Wait()
	return at
}

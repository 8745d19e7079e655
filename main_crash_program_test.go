//go:build unix

package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"

	"pikabin/decode/binlogtest/pikasim"
)

// A test that has started a live writer finds its own binary run once more, as the writer.
func init() {
	if pikasim.IsChild() {
		os.Exit(pikasim.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
}

// patience is how long the tests wait for what has to come. It is no measure of anything.
const patience = 4 * time.Minute

// program is pikabin in a process of its own: this binary, under its name.
type program struct {
	tb       testing.TB
	cmd      *exec.Cmd
	messages messages
	done     chan struct{} // closed when it has ended
}

// messages is what a process says on its standard error.
type messages struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (m *messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(b)
}

func (m *messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

func (m *messages) count(text string) int { return strings.Count(m.String(), text) }

// startProgram runs pikabin. stdout may be nil. The process ends with the test.
func startProgram(tb testing.TB, stdout *os.File, args ...string) *program {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	p := &program{tb: tb, cmd: exec.CommandContext(tb.Context(), exe, args...), done: make(chan struct{})}
	p.cmd.Args[0] = "pikabin"
	p.cmd.Stderr = &p.messages
	p.cmd.SysProcAttr = endsWithTest()
	if stdout != nil {
		p.cmd.Stdout = stdout
	}
	if err := p.cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // what there is to know is in cmd.ProcessState
	}()
	tb.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.done
	})
	return p
}

// signal sends a signal. A process that has just ended gets none.
func (p *program) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill is kill -9. It reports whether it was that what ended the process.
func (p *program) kill() bool {
	p.signal(syscall.SIGKILL)
	return p.wait() == -int(syscall.SIGKILL)
}

// wait waits for the end and returns the exit code, or the signal that ended the process, negative.
func (p *program) wait() int {
	p.tb.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.tb.Fatalf("%v does not end:\n%s", p.cmd.Args, &p.messages)
	}
	status, _ := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return -int(status.Signal())
	}
	return status.ExitStatus()
}

// exits waits for the end, which must be of this exit code.
func (p *program) exits(want int) {
	p.tb.Helper()
	if got := p.wait(); got != want {
		p.tb.Fatalf("%v: exit code %d, want %d:\n%s", p.cmd.Args, got, want, &p.messages)
	}
}

// until looks again and again whether something has come to be. It reports false if the process has ended before.
func (p *program) until(what string, is func() bool) bool {
	p.tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(patience)
	for !is() {
		select {
		case <-p.done:
			return is()
		case <-tick.C:
		case <-timeout:
			p.tb.Fatalf("waited for %s in vain:\n%s", what, &p.messages)
		}
	}
	return true
}

// says waits until the process has said something.
func (p *program) says(text string) bool {
	p.tb.Helper()
	return p.until(fmt.Sprintf("%q", text), func() bool { return p.messages.count(text) > 0 })
}

// event waits for one of the first most things that happen in a folder, or in those in it.
func (p *program) event(dir string, random *rand.Rand, most int) {
	p.tb.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		p.tb.Fatal(err)
	}
	defer w.Close()
	watchAll(w, dir)
	timeout := time.After(patience)
	for range 1 + random.IntN(most) {
		select {
		case e := <-w.Events:
			watchAll(w, e.Name)
		case <-p.done:
			return
		case <-timeout:
			p.tb.Fatalf("nothing happens in %s:\n%s", dir, &p.messages)
		}
	}
}

// watchAll watches a folder and those in it. What has gone in the meantime is of no interest.
func watchAll(w *fsnotify.Watcher, dir string) {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			_ = w.Add(path)
		}
		return nil
	})
}

// after lets a random time up to most pass, so that no moment of a run is spared.
func (p *program) after(random *rand.Rand, most time.Duration) {
	select {
	case <-time.After(time.Duration(random.Int64N(int64(most)))):
	case <-p.done:
	}
}

//go:build unix

package clitest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Patience is how long the tests wait for what has to come. It is no measure of anything.
const Patience = 4 * time.Minute

// Program is pikabin in a process of its own: this binary, under its name.
type Program struct {
	Cmd      *exec.Cmd
	Messages Messages
	tb       testing.TB
	done     chan struct{} // closed when it has ended
}

// Messages is what a process says on its standard error.
type Messages struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes what the process writes.
func (m *Messages) Write(b []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.Write(b)
}

func (m *Messages) String() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.text.String()
}

// Count says how often the text is in the messages.
func (m *Messages) Count(text string) int { return strings.Count(m.String(), text) }

// Start runs pikabin. stdout may be nil. The process ends with the test.
func Start(tb testing.TB, stdout *os.File, args ...string) *Program {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	cmd := exec.CommandContext(tb.Context(), exe, args...)
	cmd.Args[0] = name
	if stdout != nil {
		cmd.Stdout = stdout
	}
	return start(tb, cmd)
}

// name is what this binary is called to be pikabin.
const name = "pikabin"

// onHost becomes a process of another host: with a name of its own, and a disk of its own at a place that all hosts have.
const onHost = `hostname "$1" && mount --bind "$2" "$3" && shift 3 && exec -a "$@"`

// Host is one of several that the tests have on this machine.
type Host struct {
	Name  string
	Disk  string // a folder that it alone has
	Place string // where it sees that, which is where the others see theirs
}

// HasHosts tells whether this machine lets a test have hosts of its own.
func HasHosts(tb testing.TB) bool {
	tb.Helper()
	return exec.CommandContext(tb.Context(), "unshare", "--map-root-user", "--mount", "--uts", "hostname", "h").Run() == nil
}

// Start runs pikabin on the host. The process ends with the test.
func (h *Host) Start(tb testing.TB, args ...string) *Program {
	tb.Helper()
	exe, err := os.Executable()
	if err != nil {
		tb.Fatal(err)
	}
	before := []string{"--map-root-user", "--mount", "--uts", "bash", "-c", onHost, "bash", h.Name, h.Disk, h.Place, name, exe}
	return start(tb, exec.CommandContext(tb.Context(), "unshare", slices.Concat(before, args)...))
}

// start starts a command that is the program, or becomes it.
func start(tb testing.TB, cmd *exec.Cmd) *Program {
	tb.Helper()
	p := &Program{tb: tb, Cmd: cmd, done: make(chan struct{})}
	p.Cmd.Stderr = &p.Messages
	p.Cmd.SysProcAttr = endsWithTest()
	if err := p.Cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	go func() {
		defer close(p.done)
		_ = p.Cmd.Wait() // what there is to know is in cmd.ProcessState
	}()
	tb.Cleanup(func() {
		_ = p.Cmd.Process.Kill()
		<-p.done
	})
	return p
}

// Signal sends a signal. A process that has just ended gets none.
func (p *Program) Signal(s syscall.Signal) { _ = p.Cmd.Process.Signal(s) }

// Alive reports whether the process has not ended.
func (p *Program) Alive() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// Kill is kill -9. It reports whether it was that what ended the process.
func (p *Program) Kill() bool {
	p.Signal(syscall.SIGKILL)
	return p.Wait() == -int(syscall.SIGKILL)
}

// Wait waits for the end and returns the exit code, or the signal that ended the process, negative.
func (p *Program) Wait() int {
	p.tb.Helper()
	select {
	case <-p.done:
	case <-time.After(Patience):
		p.tb.Fatalf("%v does not end:\n%s", p.Cmd.Args, &p.Messages)
	}
	status, _ := p.Cmd.ProcessState.Sys().(syscall.WaitStatus)
	if status.Signaled() {
		return -int(status.Signal())
	}
	return status.ExitStatus()
}

// Exits waits for the end, which must be of this exit code.
func (p *Program) Exits(want int) {
	p.tb.Helper()
	if got := p.Wait(); got != want {
		p.tb.Fatalf("%v: exit code %d, want %d:\n%s", p.Cmd.Args, got, want, &p.Messages)
	}
}

// Until looks again and again whether something has come to be. It reports false if the process has ended before.
func (p *Program) Until(what string, is func() bool) bool {
	p.tb.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	timeout := time.After(Patience)
	for !is() {
		select {
		case <-p.done:
			return is()
		case <-tick.C:
		case <-timeout:
			p.tb.Fatalf("waited for %s in vain:\n%s", what, &p.Messages)
		}
	}
	return true
}

// Says waits until the process has said something.
func (p *Program) Says(text string) bool {
	p.tb.Helper()
	return p.Until(fmt.Sprintf("%q", text), func() bool { return p.Messages.Count(text) > 0 })
}

// Event waits for one of the first most things that happen in a folder, or in those in it.
func (p *Program) Event(dir string, random *rand.Rand, most int) {
	p.tb.Helper()
	w, err := fsnotify.NewWatcher()
	if err != nil {
		p.tb.Fatal(err)
	}
	defer w.Close()
	watchAll(w, dir)
	timeout := time.After(Patience)
	for range 1 + random.IntN(most) {
		select {
		case e := <-w.Events:
			watchAll(w, e.Name)
		case <-p.done:
			return
		case <-timeout:
			p.tb.Fatalf("nothing happens in %s:\n%s", dir, &p.Messages)
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

// After lets a random time up to most pass, so that no moment of a run is spared.
func (p *Program) After(random *rand.Rand, most time.Duration) {
	select {
	case <-time.After(time.Duration(random.Int64N(int64(most)))):
	case <-p.done:
	}
}

package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/clitest"
)

// terminal is a pseudo-terminal: what is written to it, and the end that a program has.
type terminal struct {
	keys    *os.File
	program *os.File

	mu      sync.Mutex
	written bytes.Buffer
	more    chan struct{}
}

func openTerminal(t *testing.T, width, height uint16) *terminal {
	t.Helper()
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals here: %v", err)
	}
	t.Cleanup(func() { file.Close() })
	fd := int(file.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: height, Col: width})
	}
	if err != nil {
		t.Fatal(err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	term := &terminal{keys: file, program: program, more: make(chan struct{}, 1)}
	go term.read()
	return term
}

// read takes what the program writes, until the terminal is closed.
func (term *terminal) read() {
	b := make([]byte, 4096)
	for {
		n, err := term.keys.Read(b)
		term.mu.Lock()
		term.written.Write(b[:n])
		term.mu.Unlock()
		select {
		case term.more <- struct{}{}:
		default:
		}
		if err != nil {
			return
		}
	}
}

func (term *terminal) text() string {
	term.mu.Lock()
	defer term.mu.Unlock()
	return term.written.String()
}

// wait waits until something has been written.
func (term *terminal) wait(t *testing.T, want string) {
	t.Helper()
	patience := time.After(clitest.Patience)
	for !strings.Contains(term.text(), want) {
		select {
		case <-term.more:
		case <-patience:
			t.Fatalf("the terminal does not show %q but %q", want, term.text())
		}
	}
}

// cooked tells whether keys are shown, and Ctrl-C ends programs.
func (term *terminal) cooked(t *testing.T) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(term.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&(unix.ECHO|unix.ISIG|unix.ICANON) == unix.ECHO|unix.ISIG|unix.ICANON
}

// TestStatsFollow watches a log that grows on a terminal, until a key is pressed or a signal comes: the terminal is as it was before then, the last
// report is on it, and the exit code is 0.
func TestStatsFollow(t *testing.T) {
	for name, end := range map[string]func(term *terminal, p *os.Process) error{
		"q":       func(term *terminal, _ *os.Process) error { _, err := term.keys.WriteString("q"); return err },
		"Ctrl-C":  func(term *terminal, _ *os.Process) error { _, err := term.keys.WriteString("\x03"); return err },
		"SIGTERM": func(_ *terminal, p *os.Process) error { return p.Signal(syscall.SIGTERM) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, w := t.TempDir(), binlogtest.NewWriter(binlogtest.Options{Generation: decode.G5})
			put := func(n int, key string) {
				for range n {
					w.Command("SET", key, "value")
				}
				if err := w.WriteDir(dir); err != nil {
					t.Error(err)
				}
			}
			put(3, "first")
			term := openTerminal(t, 80, 24)
			cmd := onTerminal(t, term, "stats", dir, "--follow", "--interval", "100ms")
			term.wait(t, "\x1b[H"+"pikabin stats ")
			term.wait(t, "3 events, ")
			put(4, "second")
			term.wait(t, "7 events, ")
			if term.cooked(t) {
				t.Error("keys are shown on the screen")
			}
			if err := end(term, cmd.Process); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err != nil {
				t.Fatalf("%v: %q", err, term.text())
			}
			term.wait(t, "\nmost: 7 at ")
			_, after, left := strings.Cut(term.text(), "\x1b[?25h\x1b[?1049l")
			if !left || !term.cooked(t) {
				t.Error("the terminal is not as it was")
			}
			if !strings.Contains(after, "7 events, ") {
				t.Errorf("the last report is %q", after)
			}
		})
	}
}

// onTerminal starts pikabin on a terminal.
func onTerminal(t *testing.T, term *terminal, args ...string) *exec.Cmd {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe, args...)
	cmd.Args[0] = "pikabin"
	cmd.Stdin, cmd.Stdout, cmd.Stderr = term.program, term.program, term.program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

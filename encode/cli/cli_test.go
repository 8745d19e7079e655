package cli_test

import (
	"bytes"
	"encoding/hex"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pikabin/decode/binlogtest"
	"pikabin/encode/checkpoint"
	"pikabin/encode/cli"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

func TestMain(m *testing.M) { clitest.Main(m) }

// concurrent are the scripts of which most depends on goroutines.
var concurrent = []string{"folder.txtar", "kafka.txtar", "tail.txtar"}

// TestScript runs the command line as a shell would: testdata/script/*.txtar.
func TestScript(t *testing.T) {
	scripts, err := filepath.Glob(binlogtest.Testdata(t, "script", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if testing.Short() {
		scripts = slices.DeleteFunc(scripts, func(name string) bool { return !slices.Contains(concurrent, filepath.Base(name)) })
	}
	testscript.Run(t, testscript.Params{
		Files: scripts, UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("TESTDATA", binlogtest.Testdata(t))
			e.Setenv("TZ", "UTC")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"damage": damage, "samebytes": sameBytes, "exits": exits, "hold": hold, "kafka": kafka, "consume": consume,
		},
	})
}

// exits CODE COMMAND... runs a command and compares its exit code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code command...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := "0"
	if err != nil {
		code = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if code != args[0] {
		ts.Fatalf("exit code %s, want %s", code, args[0])
	}
}

// damage FILE OFFSET HEX writes bytes into a file.
func damage(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: damage file offset hex")
	}
	path := ts.MkAbs(args[0])
	data, err := os.ReadFile(path)
	ts.Check(err)
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	bad, err := hex.DecodeString(args[2])
	ts.Check(err)
	copy(data[offset:], bad)
	ts.Check(os.WriteFile(path, data, 0o600))
}

// hold FILE has a state in use until the script ends.
func hold(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: hold file")
	}
	f, err := checkpoint.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { ts.Check(f.Close()) })
}

// sameBytes FILE FILE compares binary files.
func sameBytes(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: samebytes file file")
	}
	a, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	b, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	if bytes.Equal(a, b) == neg {
		ts.Fatalf("%s and %s: same is %v", args[0], args[1], !neg)
	}
}

// panicking is an output that no error describes.
type panicking struct{}

func (panicking) Write([]byte) (int, error) { panic("a bug") }

// TestPanic is here because --help ends run by a panic, too: any other one must not become exit code 0.
func TestPanic(t *testing.T) {
	defer func() {
		if got := recover(); got != "a bug" {
			t.Errorf("recovered %v, want the panic of the output", got)
		}
	}()
	code := cli.Run([]string{"schema", "jsonl"}, panicking{}, io.Discard, "")
	t.Errorf("exit code %d, want a panic", code)
}

// fullAtFirst has no room for the first line, and has it again for the others.
type fullAtFirst struct{ lines int }

func (w *fullAtFirst) Write(b []byte) (int, error) {
	if w.lines++; w.lines == 1 {
		return 0, syscall.ENOSPC
	}
	return len(b), nil
}

// TestVerifyLosesNoFinding fails when a finding could not be written, though all after it could.
func TestVerifyLosesNoFinding(t *testing.T) {
	for _, form := range []string{"--json", "--json=false"} {
		var stderr bytes.Buffer
		code := cli.Run([]string{"verify", form, "../../testdata/2.2.6-everytype/log-live"}, &fullAtFirst{}, &stderr, "")
		if code != exit.Sink || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: exit code %d: %s", form, code, stderr.String())
		}
	}
}

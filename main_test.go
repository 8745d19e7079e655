package main

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/testscript"

	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/formats"
)

var update = flag.Bool("update", false, "write what comes out as what is expected")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"pikabin": main, "pikasim": simulate})
}

// simulate is a server for the scripts.
func simulate() {
	os.Exit(pikasim.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// TestScript runs the command line as a shell would: testdata/script/*.txtar.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", UpdateScripts: *update, RequireExplicitExec: true, RequireUniqueNames: true,
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

// logFolders are the log folders of a case: log, log-live, and their like.
func logFolders(t *testing.T, f binlogtest.Fixture) []string {
	t.Helper()
	entries, err := os.ReadDir(f.Dir)
	if err != nil {
		t.Fatal(err)
	}
	var dirs []string
	for _, e := range entries {
		if e.IsDir() {
			dirs = append(dirs, e.Name())
		}
	}
	return dirs
}

// TestGolden converts every fixture and compares with testdata/golden. Any number of workers gives the same.
func TestGolden(t *testing.T) {
	for _, f := range binlogtest.Fixtures(t) {
		for _, dir := range logFolders(t, f) {
			name := f.Name + "-" + dir
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				got := convert(t, filepath.Join(f.Dir, dir), "--workers", "1")
				if again := convert(t, filepath.Join(f.Dir, dir), "--workers", "7"); !bytes.Equal(got, again) {
					t.Error("seven workers give other bytes than one")
				}
				golden(t, filepath.Join("testdata", "golden", name+".jsonl.zst"), got)
			})
		}
	}
}

func convert(t *testing.T, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := run(append([]string{"convert"}, args...), &stdout, &stderr); code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	return stdout.Bytes()
}

// TestExitCodesOfStates: what a run says when its state is not to be used.
func TestExitCodesOfStates(t *testing.T) {
	for want, list := range map[int][]error{
		exitOther:   {&checkpoint.NewerError{}},
		exitUsage:   {&checkpoint.OtherLogError{Err: &binlog.RewrittenError{}}, &checkpoint.OtherOutputError{}},
		exitCorrupt: {&checkpoint.DamagedError{Err: io.EOF}},
		exitGone:    {&binlog.RewrittenError{}},
		exitLocked:  {&checkpoint.LockedError{}},
	} {
		for _, err := range list {
			if got := exitCode(fmt.Errorf("opening: %w", err)); got != want {
				t.Errorf("%T: %d, want %d", err, got, want)
			}
		}
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
	code := run([]string{"schema", "jsonl"}, panicking{}, io.Discard)
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

// TestVerifyLosesNoFinding fails when a finding could not be written, though all behind it could.
func TestVerifyLosesNoFinding(t *testing.T) {
	for _, form := range []string{"--json", "--json=false"} {
		var stderr bytes.Buffer
		code := run([]string{"verify", form, "testdata/2.2.6-everytype/log-live"}, &fullAtFirst{}, &stderr)
		if code != exitSink || !strings.Contains(stderr.String(), "no space left") {
			t.Errorf("%s: exit code %d: %s", form, code, stderr.String())
		}
	}
}

// golden compares line by line with a compressed file, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, enc.EncodeAll(got, nil), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	packed, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer dec.Close()
	want, err := dec.DecodeAll(packed, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestReadmeExamples runs the blocks marked console whose commands need nothing but Go, and compares
// what they print with what the README shows. A line "..." stands for any lines.
func TestReadmeExamples(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(readme(t), -1)
	if len(blocks) == 0 {
		t.Fatal("no examples")
	}
	for _, block := range blocks {
		for _, example := range strings.Split("\n"+block[1], "\n$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			t.Run(command, func(t *testing.T) {
				t.Parallel()
				runExample(t, command, want)
			})
		}
	}
}

func runExample(t *testing.T, command, want string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(bin, "pikabin")); err != nil {
		t.Fatal(err)
	}
	shell := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(command, "go run .", "pikabin"))
	shell.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "TZ=UTC")
	var stderr bytes.Buffer
	shell.Stderr = &stderr
	got, err := shell.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	pattern := regexp.QuoteMeta(strings.TrimSpace(want))
	pattern = strings.ReplaceAll(pattern, `\.\.\.`, `(?s:.*)`)
	if !regexp.MustCompile(`\A` + pattern + `\z`).MatchString(strings.TrimSpace(string(got))) {
		t.Errorf("README shows\n%s\nbut it prints\n%s", want, got)
	}
}

// TestReadmeTables keeps the tables of formats, sinks, flags and dependencies true.
func TestReadmeTables(t *testing.T) {
	text := readme(t)
	for _, f := range formats.All() {
		if row := "| `" + f.Name + "` | " + f.Doc + " |"; !strings.Contains(text, row) {
			t.Errorf("no row %s", row)
		}
	}
	for _, s := range encode.Sinks() {
		if row := "| `" + s.Form + "` | " + s.Doc + " | " + s.Delivered + " | " + s.Crash + " |"; !strings.Contains(text, row) {
			t.Errorf("no row %s", row)
		}
	}
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.SplitSeq(string(module), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.Contains(fields[0], "/") && !strings.Contains(text, "| "+fields[0]+" |") {
			t.Errorf("no line for the dependency %s", fields[0])
		}
	}
}

// TestReadmeFlags finds every flag of the help of every command in the README.
func TestReadmeFlags(t *testing.T) {
	text := readme(t)
	for _, command := range []string{"convert", "info", "verify", "inspect", "seek", "schema", "state", "tail"} {
		var stdout, stderr bytes.Buffer
		if code := run([]string{command, "--help"}, &stdout, &stderr); code != 0 {
			t.Fatalf("%s --help: %d: %s", command, code, stderr.String())
		}
		if !strings.Contains(text, "pikabin "+command) {
			t.Errorf("the command %s is not there", command)
		}
		_, list, _ := strings.Cut(stdout.String(), "Flags:")
		flags := regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(list, -1)
		slices.Sort(flags)
		for _, name := range slices.Compact(flags) {
			if !strings.Contains(text, "`"+name) && !strings.Contains(text, name+"`") {
				t.Errorf("%s: the flag %s is not there", command, name)
			}
		}
	}
}

package cli_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
)

// hostile makes names of what a terminal acts on: escape sequences, newlines, other controls, text that turns the direction.
func hostile(random *rand.Rand) string {
	parts := []string{"\x1b[2J", "\x1b]0;x\a", "\n", "\r", "\t", "\u009b31m", "\u202e", "\u200b", "\x7f", "a", "9", " ", "\u00e9", "%s", "\"", "\\"}
	var b strings.Builder
	for range 2 + random.IntN(5) {
		b.WriteString(parts[random.IntN(len(parts))])
	}
	return b.String()
}

// TestNamesOnATerminal gives folders, DBs, states and what is misspelt names that a terminal would act on. No command writes any of
// it as it is, on standard output or standard error, but for what is for programs: the events, and JSON.
func TestNamesOnATerminal(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range sample.Count(5, 1) {
		top := filepath.Join(t.TempDir(), hostile(random))
		log, bad := filepath.Join(top, "log"), hostile(random)
		hostileLog(t, filepath.Join(log, "log_"+hostile(random)), random, true)
		hostileLog(t, filepath.Join(log, "log_db1"), random, false)
		state := filepath.Join(top, "state"+hostile(random))
		null := filepath.Join(top, "out")
		for _, args := range [][]string{
			{"convert", log, "-o", null, "--state", state},
			{"convert", log, "-o", null, "--state", state},
			{"state", state},
			{"state", state, "0:0", "--db", bad},
			{"convert", log, "-o", filepath.Join(top, bad, bad)},
			{"convert", log, "-o", filepath.Join(log, bad)},
			{"convert", log, "-o", null, "--db", bad},
			{"info", log},
			{"verify", log},
			{"inspect", filepath.Join(log, "log_db1"), "--from", "0:0", "--hex"},
			{"seek", log, "--time", "1h"},
			{"tail", log, "-o", null, "--from", "end", "--idle-exit", "1ms"},
			{"redis", log, "--dir", filepath.Join(top, bad)},
			{"info", filepath.Join(top, bad)},
			{"info", top},
			{"tail", filepath.Join(top, bad)},
			{bad},
			{"info", log, "--" + bad},
			{"seek", log, "--time", bad},
			{"convert", log, "-f", bad},
			{"convert", log, "--type", bad},
			{"convert", log, "--from", bad},
			{"convert", log, "--on-gap", bad},
			{"schema", bad},
		} {
			var stdout, stderr bytes.Buffer
			code := cli.Run(args, &stdout, &stderr, "")
			for name, text := range map[string]string{"output": stdout.String(), "error": stderr.String()} {
				if i := strings.IndexFunc(text, unsafe); i >= 0 {
					t.Errorf("%q (exit code %d): standard %s has %q", args, code, name, text[max(0, i-40):min(len(text), i+20)])
				}
			}
		}
	}
}

// unsafe tells what a terminal does not just show.
func unsafe(r rune) bool { return r != '\n' && r != '\t' && !strconv.IsPrint(r) }

// hostileLog writes a log of one segment whose keys and commands are hostile, too, and which is damaged.
func hostileLog(t *testing.T, dir string, random *rand.Rand, manifest bool) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{})
	for i := range 20 {
		w.Command("SET", fmt.Sprint(hostile(random), i), hostile(random))
		w.Command(hostile(random), hostile(random))
	}
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	segment := filepath.Join(dir, "write2file0")
	b, err := os.ReadFile(segment)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)/2] ^= 0xff
	if err := os.WriteFile(segment, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if !manifest {
		if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
			t.Fatal(err)
		}
	}
}

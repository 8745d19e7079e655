//go:build unix

package process_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/decode/binlogtest/scan"
)

// simulate runs the program in this process and returns its answers.
func simulate(t *testing.T, input string, args ...string) (code int, answers, errors string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = process.Main(args, strings.NewReader(input), &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestCommands(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ command, want string }{
		{"put 2", "ok 0:348"},
		{"set k v", "ok 0:417"},
		{"rotate", "ok 1:0"},
		{"purge 1", "ok 1:0"},
		{"use 1", "ok 0:0"},
		{"use 2", "error there is no DB 2"},
		{"put 1", "ok 0:174"},
		{"kill payload", "ok 0:174"},
		{"put 1", "error the server is stopped"},
		{"restart", "ok 0:174"},
		{"kill nowhere", `error the put had no step "nowhere"`},
		{"truncate 0:174", "ok 0:174"},
		{"hold header", "ok 0:174"},
		{"position", "error a put is held: expected release"},
		{"release", "ok 0:348"},
		{"lose-manifest", "ok 0:348"},
		{"restart", "ok 0:0"},
		{"fullsync 3:100", "ok 3:100"},
		{"fullsync 3", `error "3" is not a position: expected segment:offset, such as 12:4096`},
		{"purge-live", "ok 3:100"},
		{"stop", "ok 3:100"},
		{"fly", "error fly : no such command"},
		{"quit", "ok 3:100"},
	}
	var input, want strings.Builder
	for _, tt := range tests {
		input.WriteString(tt.command + "\n")
		want.WriteString(tt.want + "\n")
	}
	code, answers, errors := simulate(t, input.String(), "--db", "2", dir)
	if diff := cmp.Diff(want.String(), answers); diff != "" || code != 0 {
		t.Errorf("code %d, %s\nanswers (-want +got):\n%s", code, errors, diff)
	}
}

func TestWrongUsage(t *testing.T) {
	for name, args := range map[string][]string{
		"no folder":      nil,
		"two folders":    {"a", "b"},
		"no such flag":   {"--fast", "a"},
		"sizes":          {"--value-size", "3..2", "a"},
		"version":        {"--pika", "1", "a"},
		"flat DBs":       {"--flat", "--db", "2", "a"},
		"no DB":          {"--db", "0", "a"},
		"negative range": {"--value-size", "-1", "a"},
	} {
		if code, _, errors := simulate(t, "", args...); code != 2 || errors == "" {
			t.Errorf("%s: code %d, %q", name, code, errors)
		}
	}
}

func TestLoad(t *testing.T) {
	root := t.TempDir()
	dir, journal := filepath.Join(root, "log"), filepath.Join(root, "journal")
	args := []string{
		"--flat", "--pika", "2.3.6", "--count", "500", "--rate", "1000000", "--segment-size", "20000", "--purge-keep", "2", "--region", "262144",
		"--journal", journal, dir,
	}
	for run := range 2 {
		if code, _, errors := simulate(t, "", args...); code != 0 {
			t.Fatalf("code %d: %s", code, errors)
		}
		lines, err := process.ReadJournal(journal, dir, decode.G2)
		must(t, err)
		if n := len(lines); n != 500*(run+1) || lines[n-1].Seq != uint64(n-1) {
			t.Fatalf("run %d: journal has %d lines", run, n)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 3 {
			t.Errorf("folder has %d files (%v), want two segments and the manifest", len(entries), err)
		}
		tail := lines[len(lines)-10:]
		found := []string{}
		must(t, scan.Folder(t, dir, decode.G2, func(_ *decode.Chunk, _ *decode.Record, argvs [][][]byte) {
			found = append(found, string(argvs[0][1]))
		}))
		for i, key := range found[len(found)-10:] {
			if key != tail[i].Key {
				t.Errorf("run %d: key %s, the journal has %s", run, key, tail[i].Key)
			}
		}
	}
}

func TestJournalThatIsNone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal")
	for _, text := range []string{"hello\n", "db0 0 0 x 1 k 0\n", "db0 full-sync 1 2:3\n"} {
		must(t, os.WriteFile(path, []byte(text), 0o600))
		if _, err := process.ReadJournal(path, t.TempDir(), decode.G5); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

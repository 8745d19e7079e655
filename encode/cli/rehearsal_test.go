package cli_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

// tree are the files below a folder, with what is in them.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			files[path] = "a folder"
			return err
		}
		text, err := os.ReadFile(path)
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestRehearsalsAreTrue: a dry run changes no file, ends as the run does that follows it, and counts the events that this one writes.
func TestRehearsalsAreTrue(t *testing.T) {
	log := binlogtest.Testdata(t, "4.0.1-everytype", "log")
	for name, runs := range map[string][]string{
		"file":                   {"convert -o x.jsonl"},
		"overwritten":            {"convert -o x.jsonl --limit 3", "convert -o x.jsonl"},
		"compressed":             {"convert -o x.jsonl.zst"},
		"standard output":        {"convert --key nosuch"},
		"continued":              {"convert -o x.jsonl --state state --limit 100", "convert -o x.jsonl --state state", "tail --idle-exit 1ms -o x.jsonl --state state"},
		"another output":         {"convert -o x.jsonl --state state --limit 100", "convert -o y.jsonl --state state"},
		"another format":         {"convert -o x.jsonl --state state --limit 100", "convert -f resp -o x.jsonl --state state"},
		"not of the state":       {"convert -o x.jsonl", "convert -o x.jsonl --state state"},
		"folder":                 {"convert -o d/", "convert -o d/", "convert -o d/ --state state"},
		"parquet":                {"convert -o d/ -f parquet --partition hive --state state --limit 30", "convert -o d/ -f parquet --partition hive --state state"},
		"folder of another":      {"convert -o d/ --state state --limit 100", "convert -o d/", "convert -o d/ --state other"},
		"no folder":              {"convert -o nowhere/x"},
		"no folder of the state": {"convert -o x --state nowhere/x"},
		"a folder":               {"convert -o d/", "convert -o d"},
		"a file":                 {"convert -o x", "convert -o x/"},
		"in the log":             {"convert -o " + log + "/x"},
		"pins in the log":        {"tail --idle-exit 1ms --pin " + log + "/x"},
		"no position":            {"convert --from 7:0 -o x"},
		"tail":                   {"tail --idle-exit 1ms -o x --state state", "tail --idle-exit 1ms --from start -o y"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Chdir(dir)
			for _, line := range runs {
				args := append(strings.Fields(line), log)
				before := tree(t, dir)
				code, dry, _ := runIn(append(args, "--dry-run"))
				if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
					t.Errorf("%s: files have changed:\n%s", line, diff)
				}
				want, _, told := runIn(args)
				if code != want {
					t.Fatalf("%s: the exit code is %d, and that of the run %d: %s", line, code, want, told)
				}
				if code == 0 && eventsOf(dry, `events +(\d+), from (\d+)`) != eventsOf(told, `(\d+) events from (\d+)`) {
					t.Errorf("%s: a dry run says\n%s\nand the run says\n%s", line, dry, told)
				}
			}
		})
	}
}

func runIn(args []string) (code int, stdout, stderr string) {
	var out, told bytes.Buffer
	code = cli.Run(args, &out, &told, "")
	return code, out.String(), told.String()
}

func eventsOf(text, pattern string) string {
	found := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if found == nil {
		return "nothing in " + text
	}
	return strings.Join(found[1:], " of ")
}

// TestRehearsalOfDamage: a damaged state ends a dry run as it ends a run.
func TestRehearsalOfDamage(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state"), []byte("no state"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := binlogtest.Testdata(t, "4.0.1-everytype", "log")
	code, _, told := runIn([]string{"convert", "--dry-run", "-o", filepath.Join(dir, "x"), "--state", filepath.Join(dir, "state"), log})
	if code != exit.Corrupt {
		t.Errorf("exit code %d: %s", code, told)
	}
}

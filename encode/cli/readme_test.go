package cli_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pikabin/encode"
	"pikabin/encode/cli"
	"pikabin/formats"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../README.md")
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
	shell.Dir = "../.."
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
	module, err := os.ReadFile("../../go.mod")
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
		if code := cli.Run([]string{command, "--help"}, &stdout, &stderr, ""); code != 0 {
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

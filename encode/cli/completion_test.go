package cli_test

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
)

// completed is what the program offers for the last of the words, with the kind of files that go there first.
func completed(t *testing.T, words ...string) []string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run(append([]string{"complete", "--"}, words...), &stdout, &stderr, ""); code != 0 {
		t.Fatalf("%q: exit code %d: %s", words, code, stderr.String())
	}
	var values []string
	for line := range strings.Lines(stdout.String()) {
		value, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		values = append(values, value)
	}
	return values
}

// TestCompletion: what may stand in a place is offered, and what may not is not.
func TestCompletion(t *testing.T) {
	sample.OneGoroutine(t)
	for words, want := range map[string]struct{ has, not string }{
		"":                                    {"none convert tail config completion", "complete --format"},
		"conv":                                {"none convert", ""},
		"convert|--":                          {"none --format --output --dry-run --quiet", "--listen --hex convert"},
		"convert|-q|--":                       {"--format", "--quiet"},
		"convert|--key|a|--":                  {"--key", ""},
		"convert|--format|":                   {"none jsonl avro", "--format convert"},
		"convert|--format=":                   {"--format=jsonl --format=avro", "jsonl"},
		"convert|--format|=|":                 {"jsonl avro", ""}, // the words of bash
		"convert|--format|=|avro|--":          {"--output", "--format"},
		"convert|-f|":                         {"jsonl", ""},
		"convert|--progress|":                 {"auto always never", ""},
		"convert|--state|":                    {"files", ""},
		"redis|--dir|":                        {"folders", ""},
		"convert|":                            {"files", "--format"},
		"convert|/log|/more|":                 {"files", ""},
		"convert|--|--":                       {"files", "--format"},
		"info|x|--json|":                      {"files", ""},
		"schema|":                             {"none duckdb jsonl", ""},
		"schema|jsonl|":                       {"none", "jsonl"},
		"config|":                             {"none check", ""},
		"config|check|":                       {"files", ""},
		"config|check|--":                     {"--quiet", "--format"},
		"completion|":                         {"bash fish zsh", ""},
		"man|":                                {"none convert", "complete"},
		"version|":                            {"none", ""},
		"convert|--command|":                  {"set hset", ""},
		"convert|--op|":                       {"none set flush", ""},
		"tail|--exclude-type=":                {"none --exclude-type=zset", ""},
		"help|":                               {"none convert tail", "complete"},
		"help|con":                            {"none convert config", ""},
		"nonsense|":                           {"none", "convert"},
		"convert|--nonsense|--":               {"--format", ""},
		"tail|/log|--state|s|--listen|x|--st": {"--stalled --standby", "--state"},
	} {
		got := completed(t, strings.Split(words, "|")...)
		for value := range strings.FieldsSeq(want.has) {
			if !slices.Contains(got, value) {
				t.Errorf("%s: no %s in %q", words, value, got)
			}
		}
		for value := range strings.FieldsSeq(want.not) {
			if slices.Contains(got, value) {
				t.Errorf("%s: %s in %q", words, value, got)
			}
		}
	}
}

// inShell runs a script in a real shell that finds pikabin. Where the shell is not there the test is skipped, unless PIKABIN_TEST_SHELLS wants them all.
func inShell(t *testing.T, script string, shell ...string) string {
	t.Helper()
	if _, err := exec.LookPath(shell[0]); err != nil {
		if os.Getenv("PIKABIN_TEST_SHELLS") != "" {
			t.Fatal(err)
		}
		t.Skipf("%s is not installed: scripts/release.sh test runs this", shell[0])
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(exe, filepath.Join(dir, "pikabin")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"some file.yaml", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "some folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), shell[0], append(shell[1:], script)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "TERM=dumb")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}

// lines are what a shell is asked to complete, and what it then has to offer.
var lines = map[string][]string{
	"pikabin conv":                     {"convert"},
	"pikabin convert --dry":            {"--dry-run"},
	"pikabin convert --format js":      {"jsonl"},
	"pikabin convert -f pro":           {"protobuf"},
	"pikabin convert --on-gap ":        {"fail", "skip"},
	"pikabin config ch":                {"check"},
	"pikabin config check some":        {"some file.yaml"},
	"pikabin redis x --dir some":       {"some folder"},
	"pikabin schema duck":              {"duckdb"},
	"pikabin tail x --state y --stand": {"--standby"},
}

// TestCompletionInBash calls what bash calls at the key.
func TestCompletionInBash(t *testing.T) {
	sample.OneGoroutine(t)
	all := map[string][]string{"pikabin convert --format = js": {"jsonl"}, "pikabin convert --format =": {"jsonl", "avro"}}
	maps.Copy(all, lines)
	for line, want := range all {
		got := inShell(t, `source <(pikabin completion bash)
line='`+line+`'
read -ra COMP_WORDS <<<"$line"
[[ $line == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
$(complete -p pikabin | sed 's/.*-F \([^ ]*\).*/\1/')
printf '%s\n' "${COMPREPLY[@]}"`, "bash", "-c")
		offers(t, line, got, want)
	}
}

// TestCompletionInFish asks fish.
func TestCompletionInFish(t *testing.T) {
	sample.OneGoroutine(t)
	for line, want := range lines {
		got := inShell(t, "pikabin completion fish | source; complete -C '"+line+"'", "fish", "--no-config", "-c")
		offers(t, line, strings.ReplaceAll(got, "\\ ", " "), want)
	}
}

// TestCompletionInZsh calls what zsh calls at the key, with the functions of its completion that show what is offered.
func TestCompletionInZsh(t *testing.T) {
	sample.OneGoroutine(t)
	for line, want := range lines {
		got := inShell(t, `compdef() { }
compset() { }
_describe() { print -rl -- "${(@P)3}" }
_files() { [[ $1 == -/ ]] && print -rl -- *(/) || print -rl -- * }
source <(pikabin completion zsh)
line='`+line+`'
words=(${=line})
[[ $line == *' ' ]] && words+=('')
CURRENT=$#words
_pikabin`, "zsh", "-f", "-c")
		offers(t, line, got, want)
	}
}

func offers(t *testing.T, line, got string, want []string) {
	t.Helper()
	for _, value := range want {
		if !strings.Contains(got, value) {
			t.Errorf("%s: no %s in\n%s", line, value, got)
		}
	}
	if strings.Contains(got, "command not found") || strings.Contains(got, "pikabin: ") {
		t.Errorf("%s: %s", line, got)
	}
}

// TestManual: the pages have every command and flag, and man finds nothing wrong with them.
func TestManual(t *testing.T) {
	sample.OneGoroutine(t)
	dir := t.TempDir()
	if code, _, told := runIn([]string{"man", "--dir", dir}); code != 0 {
		t.Fatalf("exit code %d: %s", code, told)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) < 12 {
		t.Fatalf("%q, %v", pages, err)
	}
	for _, path := range pages {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		shown := strings.ReplaceAll(string(text), `\-`, "-")
		command := strings.TrimPrefix(strings.TrimSuffix(filepath.Base(path), ".1"), "pikabin-")
		for _, value := range completed(t, command, "--") {
			if !strings.Contains(shown, value) && value != "none" {
				t.Errorf("%s: no %s", path, value)
			}
		}
		for line := range strings.Lines(string(text)) {
			if request, _, _ := strings.Cut(strings.TrimSpace(line), " "); line[0] == '.' && !slices.Contains([]string{".TH", ".SH", ".SS", ".TP", ".B", ".BR", ".PP", ".nf", ".fi", ".nh"}, request) {
				t.Errorf("%s: %s", path, line)
			}
		}
		if _, err := exec.LookPath("mandoc"); err == nil {
			out, _ := exec.CommandContext(t.Context(), "mandoc", "-Tlint", "-Wwarning", path).Output() // it ends with what it finds
			for line := range strings.Lines(string(out)) {
				if !strings.Contains(line, "missing date") { // which is that of the commit
					t.Error(line)
				}
			}
		}
	}
	if code, _, told := runIn([]string{"man", "nonsense"}); code != 2 || !strings.Contains(told, "there are convert, tail") {
		t.Errorf("exit code %d: %s", code, told)
	}
}

package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli/config"
	"pikabin/encode/cli/exit"
)

// written is a file of flags.
func written(tb testing.TB, text string) string {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "pikabin.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// TestEveryFlagInTheFile gives the flags of each command in a file, for all commands and for the one, and compares with what the command line
// makes of them.
func TestEveryFlagInTheFile(t *testing.T) {
	sample.OneGoroutine(t)
	model := newParser(&globalFlags{}, nil, "").Model
	for _, command := range model.Children {
		args, given := append([]string{command.Name}, arguments[command.Name]...), []string{}
		var lines, own []string
		for _, flag := range slices.Concat(command.AllFlags(false)...) {
			line := flag.Name + ": " + sampleOf(flag)
			switch {
			case slices.Contains(actions, flag.Name), slices.Contains([]string{"help", "version", "config"}, flag.Name):
				if _, err := config.Read(written(t, line), model); err == nil {
					t.Errorf("%s is taken", line)
				}
				continue
			case command.Name == "seek" && flag.Name == "time":
				args = args[:2]
			case command.Name == "seek" && flag.Name == "logic-id":
				continue // one of the two
			}
			given, lines = append(given, "--"+flag.Name+"="+sampleOf(flag)), append(lines, line)
			if !slices.Contains(model.Flags, flag) {
				own = append(own, "  "+line)
			}
		}
		want, err := parse(append(slices.Clone(args), given...))
		if err != nil {
			t.Fatal(err)
		}
		section := command.Name + ":\n" + strings.Join(own, "\n")
		for _, text := range []string{strings.Join(lines, "\n"), section + "\n" + strings.Join(lines[:len(lines)-len(own)], "\n")} {
			if len(own) == 0 {
				text = strings.Join(lines, "\n")
			}
			got, err := parse(append(slices.Clone(args), "--config="+written(t, text)))
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s\nmakes\n%+v, %v, and the flags\n%+v", text, got, err, want)
			}
		}
	}
}

// TestWhatGoesBeforeWhat gives a flag in all places, and takes the first away one after the other.
func TestWhatGoesBeforeWhat(t *testing.T) {
	format := func(args ...string) string {
		t.Helper()
		got, err := parse(append([]string{"convert", "log"}, args...))
		if err != nil {
			t.Fatal(err)
		}
		return got.command.(convertCommand).Format
	}
	all, own := "--config="+written(t, "format: avro"), "--config="+written(t, "format: avro\nconvert: {format: resp}\ntail: {format: parquet}")
	t.Setenv("PIKABIN_FORMAT", "protobuf")
	if got := format(own, "-f", "redis"); got != "redis" {
		t.Errorf("the command line gives redis, and it is %s", got)
	}
	if got := format(own); got != "protobuf" {
		t.Errorf("the environment says protobuf, and it is %s", got)
	}
	if err := os.Unsetenv("PIKABIN_FORMAT"); err != nil {
		t.Fatal(err)
	}
	if got := format(own); got != "resp" {
		t.Errorf("the part of the command says resp, and it is %s", got)
	}
	if got := format(all); got != "avro" {
		t.Errorf("the file says avro, and it is %s", got)
	}
	t.Setenv("PIKABIN_CONFIG", strings.TrimPrefix(own, "--config="))
	if got := format(); got != "resp" {
		t.Errorf("the file of the environment says resp, and it is %s", got)
	}
	if got := format(all); got != "avro" {
		t.Errorf("the file of the command line says avro, and it is %s", got)
	}
}

// TestFilesThatAreRefused: each with the line, and with what to do.
func TestFilesThatAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		"\nformt: x":             ":2: no flag is called formt: did you mean format?",
		"source: x":              ":1: source is no flag, but an argument: give it on the command line",
		"clear: true":            ":1: clear can only be given on the command line",
		"config: x":              ":1: config can only be given on the command line",
		"memory: 12a":            ":1: --memory: \"12a\" is not a size",
		"key: {a: b}":            ":1: key takes one value",
		"key: [{a: b}]":          ":1: key takes plain values",
		"key: ['']":              ":1: key is empty",
		"renamed: [a]":           ":1: renamed takes names with values",
		"renamed: {a: [b]}":      ":1: renamed takes plain values",
		"keyed: {a: b}":          ":1: --keyed",
		"format:":                ":1: format is empty: give it a value, or leave it out",
		"format: [a]":            ":1: format takes one value",
		"tail: {hex: true}":      ":1: tail has no flag hex: inspect can have it",
		"tail: {quiet: true}":    ":1: tail has no flag quiet: the top of the file can have it",
		"tail:\n  formt: x":      ":2: tail has no flag formt: did you mean format?",
		"tial: {format: x}":      ":1: no command is called tial: did you mean tail?",
		"progress: sometimes":    ":1: --progress: expected one of auto, always, never, and not \"sometimes\"",
		"--format: x":            ":1: no flag is called --format: write names without the dashes, as in format",
		"- a":                    ":1: expected names of flags with values",
		"a":                      ":1: expected names of flags with values",
		"format: x\nformat: y":   ":2: format is there already, on line 1",
		"tail: {all: 1, all: 1}": ":1: tail.all is there already, on line 1",
		"all: true\n---\na: b":   ":2: another document begins",
		"quiet: maybe":           ":1: --quiet",
		"{":                      "yaml: line 1",
	} {
		_, err := readConfig(written(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestConfigOfThePage reads the file that the page about the command line shows.
func TestConfigOfThePage(t *testing.T) {
	page, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(page), "```yaml\n")
	text, _, ok := strings.Cut(text, "```")
	file, err := readConfig(written(t, text))
	if err != nil || !ok || len(file.Settings()) != 6 {
		t.Errorf("%v, %+v", err, file)
	}
}

// TestConfigOfTheProgram runs it.
func TestConfigOfTheProgram(t *testing.T) {
	path := written(t, "# all\nkey: [a, \"b,c\"]\nfrom: 12:4096\ntail: {renamed: {new: old}}\nquiet: true\n")
	var stdout, stderr bytes.Buffer
	code := Run([]string{"config", "check", path}, &stdout, &stderr, "")
	for _, line := range []string{"key      a, b,c   convert, tail", "from     12:4096  convert", "renamed  new=old  tail\n", "quiet    true     every command\n"} {
		if !strings.Contains(stdout.String(), line) {
			t.Errorf("no line %q in\n%s", line, stdout.String())
		}
	}
	if code != 0 || !strings.Contains(stderr.String(), path+": 4 values, and nothing is wrong with them") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
	for _, args := range [][]string{{"config", "check", "nowhere.yaml"}, {"schema", "avro", "--config", "nowhere.yaml"}} {
		stdout.Reset()
		stderr.Reset()
		if code := Run(args, &stdout, &stderr, ""); code != exit.Usage || stdout.Len() > 0 || !strings.Contains(stderr.String(), "nowhere.yaml") {
			t.Errorf("%q: exit code %d: %s%s", args, code, stdout.String(), stderr.String())
		}
	}
}

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

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
	"pikabin/encode/output"
	"pikabin/formats"
)

// page is a page of the documentation, by its path from the top of the tree.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// readmes are the first page in each of its languages.
var readmes = []string{"README.md", "README.zh-CN.md"}

// TestReadmeExamples runs the blocks marked console whose commands need nothing but Go, and compares
// what they print with what the page shows. A line "..." means any lines.
func TestReadmeExamples(t *testing.T) {
	for _, name := range append(slices.Clone(readmes), "encode/cli/README.md", "formats/README.md", "formats/ddl/README.md") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			runExamples(t, page(t, name))
		})
	}
}

func runExamples(t *testing.T, text string) {
	t.Helper()
	blocks := regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1)
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
	command = strings.NewReplacer("go run .", "pikabin", " changes/", " "+t.TempDir()+"/changes/").Replace(command)
	shell := exec.CommandContext(t.Context(), "sh", "-c", command)
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

// TestReadmeCommands parses every command of the pages that begins with pikabin: the flags are those that exist, and
// both languages show the same commands.
func TestReadmeCommands(t *testing.T) {
	sample.OneGoroutine(t)
	flags := regexp.MustCompile(` (--[a-z][a-z-]+)`)
	shown := map[string][]string{}
	for _, name := range readmes {
		for _, command := range commandLines(page(t, name)) {
			shown[name] = append(shown[name], command)
			help := helpOf(t, strings.Fields(command)[1])
			for _, flag := range flags.FindAllStringSubmatch(command, -1) {
				if !strings.Contains(help, flag[1]) {
					t.Errorf("%s: %s: there is no %s", name, command, flag[1])
				}
			}
		}
	}
	if diff := cmp.Diff(shown[readmes[0]], shown[readmes[1]]); diff != "" {
		t.Errorf("the pages show other commands:\n%s", diff)
	}
}

// commandLines are the lines of all blocks that call pikabin, those that end in a backslash with the next one.
func commandLines(text string) []string {
	var commands []string
	for _, block := range regexp.MustCompile("(?s)```(?:sh|console)\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.SplitSeq(strings.ReplaceAll(block[1], "\\\n", ""), "\n") {
			if line = strings.TrimPrefix(line, "$ "); strings.HasPrefix(line, "pikabin ") {
				commands = append(commands, line)
			}
		}
	}
	return commands
}

func helpOf(t *testing.T, command string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := cli.Run([]string{command, "--help"}, &stdout, &stderr, ""); code != 0 {
		t.Fatalf("%s --help: %d: %s", command, code, stderr.String())
	}
	return stdout.String()
}

// TestReadmeLinks finds every page, and every part of one, that the pages link to.
func TestReadmeLinks(t *testing.T) {
	pages := append(slices.Clone(readmes), "CONTRIBUTING.md", "SECURITY.md")
	for _, depth := range []string{"*", "*/*", "*/*/*"} {
		nested, err := filepath.Glob("../../" + depth + "/README.md")
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range nested {
			pages = append(pages, strings.TrimPrefix(filepath.ToSlash(path), "../../"))
		}
	}
	for _, name := range pages {
		for _, link := range regexp.MustCompile(`\]\(([^):#]*)(?:#([^):]+))?\)`).FindAllStringSubmatch(page(t, name), -1) {
			target := name
			if link[1] != "" {
				target = filepath.Join(filepath.Dir(name), link[1])
			}
			if _, err := os.Stat(filepath.Join("../..", target)); err != nil {
				t.Errorf("%s: %v", name, err)
			} else if link[2] != "" && !slices.Contains(anchors(page(t, target)), link[2]) {
				t.Errorf("%s: %s has no part %s", name, target, link[2])
			}
		}
	}
}

// anchors are the names by which the headings of a page are linked to.
func anchors(text string) []string {
	var names []string
	for _, heading := range regexp.MustCompile("(?m)^#+ (.*)$").FindAllStringSubmatch(text, -1) {
		name := regexp.MustCompile(`[^\p{L}\p{N} -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	return names
}

// TestReadmeTables keeps the list of formats, and the tables of outputs and of dependencies, true.
func TestReadmeTables(t *testing.T) {
	text := page(t, "README.md")
	for _, f := range formats.All() {
		if !strings.Contains(text, "`"+f.Name+"`") { // what they are is on the page of formats, as its test says
			t.Errorf("the format %s is not there", f.Name)
		}
	}
	for _, s := range output.Types() {
		if row := "| `" + s.Form + "` | " + s.Doc + " | " + s.Delivered + " | " + s.Crash + " |"; !strings.Contains(text, row) {
			t.Errorf("no row %s", row)
		}
	}
	module, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	text = page(t, "CONTRIBUTING.md")
	for line := range strings.SplitSeq(string(module), "\n") {
		fields := strings.Fields(line)
		if len(fields) == 2 && strings.Contains(fields[0], "/") && !strings.Contains(text, "| "+fields[0]+" |") {
			t.Errorf("no line for the dependency %s", fields[0])
		}
	}
}

// TestReadmeFlags finds every flag of the help of every command on the page about the command line, and examples in the help, as the first page says.
func TestReadmeFlags(t *testing.T) {
	first, reference := page(t, "README.md"), page(t, "encode/cli/README.md")
	for _, command := range []string{"convert", "info", "verify", "inspect", "seek", "schema", "state", "tail", "verify-output", "stats", "compact", "version", "config", "completion", "man", "redis", "history"} {
		if !strings.Contains(first+reference, "pikabin "+command) {
			t.Errorf("the command %s is not there", command)
		}
		text := helpOf(t, command)
		if !regexp.MustCompile(`(?m)^Examples?:$`).MatchString(text) {
			t.Errorf("%s: the help has no example", command)
		}
		list := text[max(0, strings.Index(text, "\nArguments:")):]
		flags := regexp.MustCompile(`--[a-z][a-z-]+`).FindAllString(list, -1)
		slices.Sort(flags)
		for _, name := range slices.Compact(flags) {
			if !strings.Contains(reference, "`"+name) && !strings.Contains(reference, name+"`") {
				t.Errorf("%s: the flag %s is not there", command, name)
			}
		}
	}
}

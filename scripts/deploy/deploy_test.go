// Package deploy_test keeps the files for operators true: what they name has to be there.
package deploy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"pikabin/encode/cli"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetrics: the rules and the dashboard ask for metrics that the program has.
func TestMetrics(t *testing.T) {
	name := regexp.MustCompile(`\bpikabin_[a-z_]+[a-z]`)
	known := name.FindAllString(read(t, "../../encode/health/README.md"), -1)
	for _, path := range []string{"rules.yaml", "rules_test.yaml", "dashboard.json"} {
		for _, metric := range name.FindAllString(read(t, path), -1) {
			if !slices.Contains(known, strings.TrimSuffix(metric, "_bucket")) {
				t.Errorf("%s: there is no metric %s", path, metric)
			}
		}
	}
}

// TestDashboard can be imported: each panel has its own place, and asks for something.
func TestDashboard(t *testing.T) {
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			GridPos struct{ X, Y, W, H int }
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal([]byte(read(t, "dashboard.json")), &dashboard); err != nil {
		t.Fatal(err)
	}
	taken := map[[2]int]string{}
	for _, p := range dashboard.Panels {
		if p.Title == "" || len(p.Targets) == 0 || p.Targets[0].Expr == "" || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("%+v", p)
		}
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("%s lies on %s", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
	if len(taken) == 0 {
		t.Error("there are no panels")
	}
}

// documents are those of a file of YAML.
func documents(t *testing.T, path string) []map[string]any {
	t.Helper()
	var all []map[string]any
	for decoder := yaml.NewDecoder(strings.NewReader(read(t, path))); ; {
		var d map[string]any
		err := decoder.Decode(&d)
		if errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		all = append(all, d)
	}
}

// TestKubernetes: the file of flags in the manifest is one that the program takes.
func TestKubernetes(t *testing.T) {
	all := documents(t, "kubernetes.yaml")
	config := all[0]["data"].(map[string]any)["pikabin.yaml"].(string)
	checkConfig(t, config)
	set := all[len(all)-1]
	if set["kind"] != "StatefulSet" {
		t.Fatalf("the last one is a %v", set["kind"])
	}
	volumes := map[string]string{}
	for _, c := range set["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)["containers"].([]any) {
		for _, m := range c.(map[string]any)["volumeMounts"].([]any) {
			mount := m.(map[string]any)
			volumes[mount["mountPath"].(string)] = fmt.Sprint(mount["name"], "/", mount["subPath"])
		}
	}
	checkLog(t, volumes)
}

// TestCompose: what it gives pikabin in the environment are flags of the program, with values that these take.
func TestCompose(t *testing.T) {
	services := documents(t, "compose.yaml")[0]["services"].(map[string]any)
	var lines []string
	for name, value := range services["pikabin"].(map[string]any)["environment"].(map[string]any) {
		if flag, ok := strings.CutPrefix(name, "PIKABIN_"); ok {
			lines = append(lines, strings.ToLower(strings.ReplaceAll(flag, "_", "-"))+": "+value.(string))
		}
	}
	if len(lines) < 4 {
		t.Fatalf("%q", lines)
	}
	checkConfig(t, strings.Join(lines, "\n"))
	volumes := map[string]string{}
	for _, name := range []string{"pika", "pikabin"} {
		for _, v := range services[name].(map[string]any)["volumes"].([]any) {
			volume := strings.Split(v.(string), ":")
			volumes[volume[1]] = volume[0]
		}
	}
	checkLog(t, volumes)
}

// checkLog compares the volumes at two paths: where Pika's image writes its log, and where pikabin is told to read it.
func checkLog(t *testing.T, volumes map[string]string) {
	t.Helper()
	if written, read := volumes["/pika/log"], volumes["/data/log"]; written == "" || written != read {
		t.Errorf("pika writes into %q, and pikabin reads %q", written, read)
	}
}

func checkConfig(t *testing.T, text string) {
	t.Helper()
	path := t.TempDir() + "/pikabin.yaml"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var told strings.Builder
	if code := cli.Run([]string{"config", "check", path}, io.Discard, &told, ""); code != 0 {
		t.Errorf("exit code %d: %s", code, told.String())
	}
}

// TestRules runs promtool, where it is.
func TestRules(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("promtool is not installed: it comes with Debian's package prometheus")
	}
	for _, args := range [][]string{{"check", "rules", "rules.yaml"}, {"test", "rules", "rules_test.yaml"}, {"check", "config", "--syntax-only", "prometheus.yaml"}} {
		if out, err := exec.CommandContext(t.Context(), promtool, args...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v: %s", args, err, out)
		}
	}
}

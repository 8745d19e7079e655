package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

// TestRedisCommand writes the files that a Redis loads, again where a run has failed, and never where a Redis has its own.
func TestRedisCommand(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	dir := t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log", "log_db0")); err != nil {
		t.Fatal(err)
	}
	const folder, aof, manifest = "appendonlydir/", "appendonlydir/appendonly.aof.1.incr.aof", "appendonlydir/appendonly.aof.manifest"
	for name, c := range map[string]struct {
		there []string // files, with their own name in them
		code  int
	}{
		"nothing is there":               {nil, 0},
		"a file of another kind":         {[]string{"notes"}, 0},
		"a run has failed":               {[]string{aof}, 0},
		"a run has written":              {[]string{aof, manifest}, exit.Usage},
		"a Redis has append-only files":  {[]string{folder + "appendonly.aof.2.base.rdb"}, exit.Usage},
		"a Redis has a snapshot":         {[]string{"dump.rdb"}, exit.Usage},
		"an old Redis has a log of this": {[]string{"appendonly.aof"}, exit.Usage},
	} {
		t.Run(name, func(t *testing.T) {
			data := t.TempDir()
			for _, file := range c.there {
				path := filepath.Join(data, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			var stderr bytes.Buffer
			if code := cli.Run([]string{"redis", filepath.Join(dir, "log"), "--dir", data}, &bytes.Buffer{}, &stderr, ""); code != c.code {
				t.Fatalf("exit code %d: %s", code, &stderr)
			}
			text, err := os.ReadFile(filepath.Join(data, filepath.FromSlash(aof)))
			if c.code == 0 && !strings.HasPrefix(string(text), "*3\r\n$3\r\nSET\r\n") {
				t.Errorf("%q, %v", text, err)
			}
			for _, file := range c.there {
				if got, err := os.ReadFile(filepath.Join(data, filepath.FromSlash(file))); c.code != 0 && string(got) != file {
					t.Errorf("%s has changed: %q, %v", file, got, err)
				}
			}
		})
	}
}

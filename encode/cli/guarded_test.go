package cli_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli"
	"pikabin/encode/cli/exit"
)

// treeOf is what lies below a folder, with the content of files.
func treeOf(t *testing.T, root string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			text, errRead := os.ReadFile(path)
			fmt.Fprintf(&b, "%x ", sha256.Sum256(text))
			err = errRead
		}
		fmt.Fprintln(&b, path, e.Type())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestNoCommandWritesIntoTheServersFolders gives every argument that names what is written a place in the folders of a server, there or not, directly
// and through links. Each is exit code 2, whatever is read, and nothing in these folders changes.
func TestNoCommandWritesIntoTheServersFolders(t *testing.T) {
	top := t.TempDir()
	t.Chdir(top)
	for _, name := range []string{
		"pika/log/log_db0/manifest", "pika/log/log_db0/write2file0", "pika/log/log_db1/manifest", "pika/log/log_db1/write2file0", "pika/log/pika.INFO", "pika/log/pika.conf.prev",
		"archive/log_db2/manifest", "archive/log_db2/write2file3.zst", "archive/log_db2/manifest.prev",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	source := filepath.Join(top, "other", "log_db0")
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	if err := w.WriteDir(source); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("table/db=db0/dt=2025-06-01/hr=12", 0o700); err != nil {
		t.Fatal(err)
	}
	theirs := []string{"pika/log/log_db0", "pika/log/log_db1/", "pika/log/", "archive/log_db2"}
	for i, dir := range theirs {
		link := fmt.Sprint("link", i)
		if err := os.Symlink(filepath.Clean(dir), link); err != nil {
			t.Fatal(err)
		}
		theirs = append(theirs, link)
	}
	before := treeOf(t, "pika") + treeOf(t, "archive")
	names := []string{"manifest", "pika.conf", "new"}
	for i, dir := range theirs {
		path := filepath.Join(dir, names[i%len(names)])
		for _, args := range [][]string{
			{"convert", source, "-o", path},
			{"convert", source, "-o", path + "/"},
			{"convert", source, "-o", "mine.jsonl", "--state", path},
			{"tail", source, "-o", "mine.jsonl", "--pin", path, "--idle-exit", "1ms"},
			{"tail", source, "-o", "mine.jsonl", "--pin", dir, "--idle-exit", "1ms"},
			{"stats", source, "--html", path},
			{"redis", source, "--dir", dir},
			{"redis", source, "--dir", path},
			{"state", path, "--clear"},
			{"state", path, "--use-previous"},
			{"state", path, source, "--db", "db0", "0:0"},
			{"compact", dir},
			{"compact", "table", "--staging", dir},
			{"compact", "table", "--staging", path},
			{"man", "--dir", dir},
		} {
			var stderr bytes.Buffer
			if code := cli.Run(args, &bytes.Buffer{}, &stderr, ""); code != exit.Usage {
				t.Errorf("%q: exit code %d: %s", args, code, &stderr)
			}
			if after := treeOf(t, "pika") + treeOf(t, "archive"); after != before {
				t.Fatalf("%q has changed\n%s\nto\n%s", args, before, after)
			}
		}
	}
}

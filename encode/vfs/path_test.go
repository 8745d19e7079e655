package vfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"pikabin/encode/vfs"
)

// TestInside reaches a folder by several names, and places that are not there.
func TestInside(t *testing.T) {
	root := t.TempDir()
	log := filepath.Join(root, "log")
	if err := os.MkdirAll(filepath.Join(log, "log_db0"), 0o755); err != nil {
		t.Fatal(err)
	}
	for to, from := range map[string]string{log: "link", "link": "again", "log/missing": "dangling", "loop": "loop"} {
		if err := os.Symlink(to, filepath.Join(root, from)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
	for path, want := range map[string]bool{
		"log": true, "log/": true, "log/log_db0/new/file": true, "link/x": true, "again/log_db0": true, "dangling": true, "log/../log/x": true,
		"other": false, "logs": false, "log/..": false, "link/../other": false, "..": false, "/": false,
	} {
		for _, folder := range []string{"log", log, "again", "log/"} {
			if got, err := vfs.Inside(path, folder); got != want || err != nil {
				t.Errorf("%s in %s: %v, %v", path, folder, got, err)
			}
		}
	}
	if _, err := vfs.Inside("loop/x", "log"); err == nil {
		t.Error("a loop of links has no error")
	}
}

//go:build unix

package folder_test

import (
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"pikabin/decode/binlog/folder"
)

// TestManifestIsNoFile: what is no file is named, and a named pipe is not waited for.
func TestManifestIsNoFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "manifest")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "named pipe", t.TempDir(): "folder"} {
		if _, err := folder.ReadManifest(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a %s: %v", want, err)
		}
		live := folder.LiveManifest{Path: path}
		if _, err := live.Read(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a %s that is followed: %v", want, err)
		}
	}
}

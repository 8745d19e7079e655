package run_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/run"
)

func TestSourceFolders(t *testing.T) {
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"write2file0", "write2file1"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(".", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	got, err := run.SourceFolders([]string{"write2file0", "link/write2file1", "link", "/"})
	if diff := cmp.Diff([]string{dir, "/"}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	if _, err := run.SourceFolders([]string{"nothing"}); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

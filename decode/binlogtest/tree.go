package binlogtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Tree makes files in a temporary folder. A name that ends in "/" is a folder with a small log, "a -> b" a
// symbolic link, anything else a file of four bytes.
func Tree(tb testing.TB, names ...string) string {
	tb.Helper()
	top := tb.TempDir()
	for _, name := range names {
		link, target, isLink := strings.Cut(name, " -> ")
		path := filepath.Join(top, filepath.FromSlash(link))
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			tb.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(name, "/"):
			w := NewWriter(Options{})
			w.Command("SET", "k", "v")
			err = w.WriteDir(path)
		default:
			err = os.WriteFile(path, []byte("junk"), 0o600)
		}
		if err != nil {
			tb.Fatal(err)
		}
	}
	return top
}

package vfs

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Inside reports whether a path is a folder or lies in it, by whatever names, links among them, the two are reached. Neither has to
// be there.
func Inside(path, folder string) (bool, error) {
	path, err := RealPath(path)
	if err != nil {
		return false, err
	}
	if folder, err = RealPath(folder); err != nil {
		return false, err
	}
	rel, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(rel), nil // what has no way from one to the other lies on another drive
}

// RealPath is the absolute path without symbolic links, of a file that need not be there yet, nor the folders that it is in.
func RealPath(path string) (string, error) {
	for range maxLinks {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Abs(resolved)
		}
		dir, base := filepath.Split(strings.TrimRight(path, "/"))
		if dir == "" {
			dir = "."
		}
		to, err := os.Readlink(filepath.Join(dir, base))
		switch {
		case err != nil && base == "":
			return filepath.Abs(path)
		case err != nil: // it is not there
			above, err := RealPath(dir)
			return filepath.Join(above, base), err
		case !filepath.IsAbs(to):
			to = filepath.Join(dir, to)
		}
		path = to // a link to what is not there, which writing through it would make
	}
	return "", fmt.Errorf("%s: too many links", path)
}

// maxLinks is how many symbolic links may lead on to one another, as Linux has it.
const maxLinks = 40

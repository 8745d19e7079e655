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
	if err == nil && filepath.IsLocal(rel) { // what has no way from one to the other is on another drive
		return true, nil
	}
	info, err := os.Stat(folder)
	return err == nil && isBelow(path, info), nil
}

// isBelow reports whether a path without links is a folder or is in it. The folder may have several names that are no links, where it is mounted twice.
func isBelow(path string, folder os.FileInfo) bool {
	for {
		if info, err := os.Stat(path); err == nil && os.SameFile(info, folder) {
			return true
		}
		above := filepath.Dir(path)
		if above == path {
			return false
		}
		path = above
	}
}

// RealPath is the absolute path without symbolic links, of a file that need not be there yet, nor the folders that it is in.
func RealPath(path string) (string, error) {
	for range maxLinks {
		resolved, err := filepath.EvalSymlinks(path)
		if err == nil {
			return filepath.Abs(resolved)
		}
		dir, base := filepath.Split(strings.TrimRight(path, "/"))
		if base == "" {
			return filepath.Abs(path)
		}
		if dir, err = realDir(dir); err != nil {
			return "", err
		}
		to, err := os.Readlink(filepath.Join(dir, base))
		switch {
		case err != nil:
			return filepath.Join(dir, base), nil //nolint:nilerr // it is not there, or no link
		case !filepath.IsAbs(to):
			to = dir + string(filepath.Separator) + to // not cleaned: what is before a ".." may be a link
		}
		path = to // a link to what is not there, which writing through it would make
	}
	return "", fmt.Errorf("%s: too many links", path)
}

func realDir(dir string) (string, error) {
	if dir == "" {
		dir = "."
	}
	return RealPath(dir)
}

// maxLinks is how many symbolic links may lead on to one another, as Linux has it.
const maxLinks = 40

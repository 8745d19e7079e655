// Package held finds what an output holds: a file, or the parts of a folder.
package held

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/encode/readback/compare"
	"pikabin/formats"
)

// FormatOf tells the format from the name of a file, compressed or not; "" if the name does not tell.
func FormatOf(name string) string {
	for _, ext := range []string{".zst", ".gz"} {
		name = strings.TrimSuffix(name, ext)
	}
	for _, f := range formats.All() {
		if strings.HasSuffix(name, f.Ext) {
			return f.Name
		}
	}
	return ""
}

// File is a file, which may hold events of any log. format is its name; empty: the name of the file tells.
func File(path, format string) (*compare.Held, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name it %s/", path, path)
	case format == "":
		format = FormatOf(path)
	}
	if format == "" {
		return nil, fmt.Errorf("the name %s does not tell the format: say it with --format", path)
	}
	f, err := readback.Lookup(format)
	if err != nil {
		return nil, err
	}
	part := compare.Part{Name: path, Open: func(context.Context, *decode.Log) (readback.Messages, error) { return open(f, path, "") }}
	return &compare.Held{Format: f, Parts: map[string][]compare.Part{"": {part}}}, nil
}

// part is a file of a folder, and what its name says.
type part struct {
	path string
	folder.PartName
}

// Folder is a folder of parts, in folders by their partitions or not. format is the name of theirs; empty: their names tell.
func Folder(dir, format string) (*compare.Held, error) {
	parts, err := partsIn(dir)
	if err != nil {
		return nil, err
	}
	if parts, format, err = ofFormat(dir, parts, format); err != nil {
		return nil, err
	}
	f, err := readback.Lookup(format)
	if err != nil {
		return nil, err
	}
	return inSeries(f, parts, func(p part, db string) (readback.Messages, error) { return open(f, p.path, db) }), nil
}

// partsIn are the complete parts of a folder. Hidden files are none.
func partsIn(dir string) (parts []part, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() && path != dir && !folder.IsPartition(e.Name()) {
			return fs.SkipDir
		}
		if name, ok := folder.ParsePartName(path); ok && e.Type().IsRegular() {
			parts = append(parts, part{path, name})
		}
		return nil
	})
	return parts, err
}

// ofFormat chooses the parts of a format. Those of another one are refused, unless the format was given.
func ofFormat(dir string, parts []part, format string) ([]part, string, error) {
	found := map[string]string{} // a part of each format
	for _, p := range parts {
		found[FormatOf(p.Ext)] = p.path
	}
	if format != "" {
		return slices.DeleteFunc(parts, func(p part) bool { return FormatOf(p.Ext) != format }), format, nil
	}
	if len(parts) == 0 {
		return nil, "jsonl", nil
	}
	if len(found) != 1 {
		var names []string
		for _, path := range found {
			names = append(names, path)
		}
		slices.Sort(names)
		return nil, "", fmt.Errorf("%s has parts of several formats, such as %s: say with --format which ones are meant", dir, strings.Join(names, " and "))
	}
	for name := range found {
		format = name
	}
	return parts, format, nil
}

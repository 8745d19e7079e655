// Package held finds what an output holds: a file, the parts of a folder or a bucket, or the partitions of a topic.
package held

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/kafka/reading"
	"pikabin/encode/output/object/places"
	"pikabin/encode/readback"
	"pikabin/encode/readback/compare"
	"pikabin/formats"
)

// FormatOf tells the format from the name of a file, compressed or not; "" if the name does not tell.
func FormatOf(name string) string {
	name = strings.TrimSuffix(name, frame.Of(name).Ext())
	for _, f := range formats.All() {
		if strings.HasSuffix(name, f.Ext) {
			return f.Name
		}
	}
	return ""
}

// Open finds what is at a target as --output names it: a file, a folder (DIR/), a bucket (s3://…), a folder of HDFS (webhdfs://…) or a topic (kafka://…). format is the name of its format; empty: the
// names of files tell. closeAll is called once nothing is read any more. The error is an *UnreadError if a store, or the system, did not give it,
// fs.ErrNotExist if it is not there; any other one says that the target or the format cannot be read back.
func Open(ctx context.Context, target, format string) (h *compare.Held, closeAll func(), err error) {
	var at place
	kind, isStore := places.Find(target)
	switch {
	case isStore:
		at, err = openBucket(&kind, target)
	case strings.HasPrefix(target, reading.Scheme):
		return topics(ctx, target, format)
	case strings.Contains(target, "://") || target == "-":
		err = fmt.Errorf("%s cannot be read back: name a file, a folder (DIR/), a bucket (%s), HDFS (%s) or a topic (%sHOST:PORT/TOPIC)", target, places.S3.Form, places.HDFS.Form, reading.Scheme)
	case strings.HasSuffix(target, "/"):
		at = dir(target)
	default:
		h, err = file(target, format)
		return h, func() {}, err
	}
	if err != nil {
		return nil, nil, err
	}
	if h, err = partsOf(ctx, at, format); err != nil {
		at.close()
	}
	return h, at.close, err
}

// file is a file, which may hold events of any log. format is its name; empty: the name of the file tells.
func file(path, format string) (*compare.Held, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unread(err)
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
	part := compare.Part{Name: path, Open: func(context.Context, *decode.Log) (readback.Messages, error) {
		content, err := openFile(path)
		return read(f, content, "", err)
	}}
	return &compare.Held{Format: f, Parts: map[string][]compare.Part{"": {part}}}, nil
}

// part is one of the parts at a place, and what its name says.
type part struct {
	name string // as the place gives it
	path string // for people
	folder.PartName
}

// partsOf are the parts at a place, in folders by their partitions or not. format is the name of theirs; empty: their names tell.
func partsOf(ctx context.Context, at place, format string) (*compare.Held, error) {
	names, err := at.names(ctx)
	if err != nil {
		return nil, err
	}
	parts, others := partsAmong(at, names)
	if parts, format, err = ofFormat(at.String(), parts, format); err != nil {
		return nil, err
	}
	f, err := readback.Lookup(format)
	if err != nil {
		return nil, err
	}
	h := inSeries(f, parts, func(ctx context.Context, p part, db string) (readback.Messages, error) {
		content, err := at.open(ctx, p.name)
		return read(f, content, db, err)
	})
	h.Others = slices.DeleteFunc(others, func(path string) bool { return FormatOf(path) != format })
	h.Hidden = hiddenAmong(at, names)
	return h, nil
}

// partsAmong tells the parts among names, and gives the paths of what else readers of a table take for events: files whose names are not those of
// parts but tell a format, and do not begin with "." or "_".
func partsAmong(at place, names []string) (parts []part, others []string) {
	for _, name := range names {
		if FormatOf(name) == "" {
			continue
		}
		path := at.String() + name
		if n, ok := folder.ParsePartName(name); ok {
			parts = append(parts, part{name, path, n})
		} else if !strings.ContainsAny(filepath.Base(name)[:1], "._") {
			others = append(others, path)
		}
	}
	slices.Sort(others)
	return parts, others
}

// hiddenAmong gives the paths of parts that are not complete.
func hiddenAmong(at place, names []string) (hidden []string) {
	for _, name := range names {
		if folder.IsStaged(name) {
			hidden = append(hidden, at.String()+name)
		}
	}
	slices.Sort(hidden)
	return hidden
}

// ofFormat chooses the parts of a format. Those of another one are refused, unless the format was given.
func ofFormat(at string, parts []part, format string) ([]part, string, error) {
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
		return nil, "", fmt.Errorf("%s has parts of several formats, such as %s: say with --format which ones are meant", at, strings.Join(names, " and "))
	}
	for name := range found {
		format = name
	}
	return parts, format, nil
}

// Package merge makes one file of several that follow one another: the same events in the same order, each as it was. That is checked twice, by what is
// read of the files and by what is read back of the one.
package merge

import (
	"context"
	"fmt"
	"io"

	"pikabin/encode/output/folder"
	"pikabin/encode/readback"
	"pikabin/formats"
)

// Part is a file that is to be merged.
type Part struct {
	Name string // for people
	folder.PartName
	Open func() (File, error)
}

// File is a part that is read.
type File interface {
	readback.File
	io.Closer
}

// Options say how the file is made.
type Options struct {
	Format  formats.Format
	Workers int    // that make row groups of Parquet at the same time
	Version string // of this program, for the metadata of Parquet

	After *readback.Key // the events of the first part up to this one are left out; nil: none are
}

// Formats are those of which files can be merged: the events in them say where they are, and come out of the reader as they are in the file, unless
// files are made anew of them, or of their blocks.
func Formats() (names []string) {
	for _, f := range formats.All() {
		if r, err := readback.Lookup(f.Name); err == nil && (r.As == f.Name || f.Seal != nil || f.File != nil) {
			names = append(names, f.Name)
		}
	}
	return names
}

// Merge writes the file of all the parts, which are of one log and one compression, and in the order of their names. It tells what is in it.
func Merge(ctx context.Context, parts []Part, w io.Writer, o Options) (Sum, error) {
	in, err := newRows(parts, o.Format.Name)
	if err != nil {
		return Sum{}, err
	}
	defer in.close()
	if o.After != nil {
		in.among = func(k readback.Key) bool { return k.Compare(*o.After) > 0 }
	}
	switch {
	case o.Format.Seal != nil:
		err = seal(ctx, in, w, o)
	case o.Format.File != nil:
		err = join(ctx, in, w, o)
	default:
		err = write(ctx, in, w, o)
	}
	return in.sum(), err
}

// Read tells what is in the parts, of the events that are among those that are asked for; nil: all are.
func Read(ctx context.Context, parts []Part, format string, among func(readback.Key) bool) (Sum, error) {
	in, err := newRows(parts, format)
	if err != nil {
		return Sum{}, err
	}
	defer in.close()
	in.among = among
	err = in.drain(ctx)
	return in.sum(), err
}

// Check reads back a file of the parts, and refuses it if it is not what Merge says.
func Check(ctx context.Context, made Part, format string, want Sum) error {
	have, err := Read(ctx, []Part{made}, format, nil)
	if err == nil && have != want {
		err = fmt.Errorf("%s has %d events when it is read back, and not the %d that were written into it: see to the disk and the memory of this machine", made.Name, have.Rows, want.Rows)
	}
	return err
}

package store

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// Place is a store in which objects can be given another name, too, and be read and removed.
type Place interface {
	Store

	// Prefix is what the names of all objects begin with: empty, or with a slash at its end. Beside gives the same place below another one, which is
	// not closed by itself.
	Prefix() string
	Beside(prefix string) Place

	// Move gives an object of another prefix of the same place a name here, with what it tells of itself, instead of what has that name. It fails with
	// fs.ErrNotExist only if there is no such object.
	Move(ctx context.Context, from Place, name, to string) error

	// Remove removes an object, if it is there.
	Remove(ctx context.Context, name string) error

	// Copy copies an object to the beginning of a file that holds nothing, or what an earlier call that failed has copied of it, and gives its size. It
	// fails with fs.ErrNotExist if there is no such object. Errors of the file are not changed.
	Copy(ctx context.Context, name string, to io.WriterAt) (size int64, err error)
}

// CheckPrefix refuses prefixes that not every store takes. root is the address above it, which ends in a slash.
func CheckPrefix(root, prefix string) error {
	if prefix == "" {
		return nil
	}
	if !strings.HasSuffix(prefix, "/") {
		return fmt.Errorf("the prefix %q has to end in a slash: %s%s/", prefix, root, prefix)
	}
	for part := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if part == "" || part == "." || part == ".." {
			return fmt.Errorf("the prefix %q has an empty part, or one of dots, which not every store takes", prefix)
		}
	}
	return nil
}

// FileWriter writes from the beginning of a file on, and keeps apart what fails there from what fails at the store.
type FileWriter struct {
	io.Writer

	Err error // of the file
}

// NewFileWriter makes one.
func NewFileWriter(to io.WriterAt) *FileWriter { return &FileWriter{Writer: io.NewOffsetWriter(to, 0)} }

// Write implements io.Writer.
func (w *FileWriter) Write(p []byte) (n int, err error) {
	n, w.Err = w.Writer.Write(p)
	return n, w.Err
}

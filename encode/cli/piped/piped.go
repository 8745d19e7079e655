// Package piped makes a segment of standard input: it is kept in a file for as long as a command runs, since reading a log looks into it more than once, and
// takes no more memory than any other log so.
package piped

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"pikabin/encode/readback"
	"pikabin/encode/run"
)

// Name is how standard input is named as a source.
const Name = "-"

// folder and file are what the segment is called, so that it is the first one of the DB db0: nothing in it says which one it was.
const (
	folder = "log_db0"
	file   = "write2file0"
)

// Input is standard input as a source. The zero value is that of the process.
type Input struct {
	From io.Reader       // nil: standard input of the process
	Stop <-chan struct{} // closed when the command is to end, while the rest has not come

	dir, path string // once it has been read
}

// Segment reads all that comes, at the first call, and gives the path of the file that holds it.
func (in *Input) Segment() (path string, err error) {
	if in.path != "" {
		return in.path, nil
	}
	from := in.From
	if from == nil {
		from = os.Stdin
	}
	if err := notTerminal(from); err != nil {
		return "", err
	}
	if in.dir, err = os.MkdirTemp("", "pikabin-*"); err != nil {
		return "", fmt.Errorf("keeping the segment of standard input: %w", err)
	}
	copied := make(chan error, 1)
	go func() { copied <- in.keep(from) }()
	select {
	case err = <-copied:
	case <-in.Stop:
		err = run.ErrInterrupted // before all of it has come
	}
	if err != nil {
		return "", fmt.Errorf("reading the segment of standard input: %w", err)
	}
	return in.path, nil
}

// notTerminal refuses to wait for somebody who types a segment.
func notTerminal(from io.Reader) error {
	f, ok := from.(*os.File)
	if !ok {
		return nil
	}
	if info, err := f.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return errors.New("the source - is standard input, which is no file and no pipe: give a segment, as in \"< write2file0\"")
	}
	return nil
}

// keep copies the segment into the folder. How it begins tells whether it is compressed, as the end of a file's name does.
func (in *Input) keep(from io.Reader) error {
	head := make([]byte, readback.MarkSize)
	n, err := io.ReadFull(from, head)
	if n == 0 {
		return errors.Join(errors.New("it is empty"), notEOF(err))
	}
	head = head[:n]
	path := filepath.Join(in.dir, folder, file+readback.Packed(head))
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.MultiReader(bytes.NewReader(head), from))
	if err = errors.Join(err, f.Close()); err == nil {
		in.path = path
	}
	return err
}

func notEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// Remove removes what was kept.
func (in *Input) Remove() {
	if in.dir != "" {
		os.RemoveAll(in.dir) //nolint:gosec // it is of no use, and in the folder for what is temporary
	}
}

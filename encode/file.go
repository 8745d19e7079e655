package encode

import (
	"context"
	"errors"
	"os"
	"strings"
)

func init() {
	registerSink(SinkType{
		Name:      "file",
		Form:      "PATH",
		Doc:       "a file, which is replaced; a device or a named pipe is written to",
		Delivered: "written; synced at the end",
		Crash:     "the file is made anew by the next run",
		Matches:   func(target string) bool { return target != "-" && !strings.Contains(target, "://") },
		Open:      openFile,
	})
}

// file is a stream into a file of our own.
type file struct {
	stream
	f       *os.File
	regular bool
}

func openFile(o SinkOptions) (Sink, error) {
	// For writing alone: opened for both, a named pipe would not wait for its reader, nor say that it is gone.
	f, err := os.OpenFile(o.Target, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o666) //nolint:gosec // what the umask leaves, as for any output
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &file{stream: stream{w: f}, f: f, regular: info.Mode().IsRegular()}, nil
}

// Close syncs a regular file, so that a run which ended well has its output on the disk.
func (s *file) Close(context.Context) error {
	var err error
	if s.regular {
		err = s.f.Sync()
	}
	if closeErr := s.f.Close(); err == nil {
		err = closeErr
	}
	return err
}

package encode

import (
	"context"
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
	f, err := os.Create(o.Target)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		return nil, err
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

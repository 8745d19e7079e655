package stream_test

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/stream"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// small is a file on a disk with room for so many bytes more.
type small struct {
	*os.File
	room int
}

func (s *small) Write(p []byte) (int, error) {
	fits := min(len(p), s.room)
	n, err := s.File.Write(p[:fits])
	s.room -= n
	if err == nil && n < len(p) {
		err = syscall.ENOSPC
	}
	return n, err
}

// TestNoHalfBatch: a file that is full up to the end of the run holds whole batches, and whoever shares it continues after them.
func TestNoHalfBatch(t *testing.T) {
	for _, c := range []struct {
		name string
		flag int
		want string
	}{{"replaced", os.O_TRUNC, "first\nthen\n"}, {"appended to", os.O_APPEND, "earlier\nfirst\nthen\n"}} {
		for room := range len("second\n") {
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte("earlier\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_WRONLY|c.flag, 0)
			if err != nil {
				t.Fatal(err)
			}
			stop := make(chan struct{})
			close(stop)
			writeLines(t, sink.Env{Stdout: &small{f, len("first\n") + room}, Stop: stop})
			if _, err := f.WriteString("then\n"); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); string(got) != c.want || err != nil {
				t.Errorf("%s, %d bytes fit: %q, %v", c.name, room, got, err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// writeLines writes two batches, of which the second one has no room.
func writeLines(t *testing.T, e sink.Env) {
	t.Helper()
	to, err := sinktest.Open(t, stream.Type, "-", nil, e)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"first\n", "second\n"} {
		to.Sink.Write(t.Context(), &sink.Batch{Log: &decode.Log{}, Data: []byte(line)}, func(err error) {
			if _, full := errors.AsType[*sink.FullError](err); full != (line == "second\n") {
				t.Errorf("%q: %v", line, err)
			}
		})
	}
	if err := to.Sink.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

//go:build unix

package disk_test

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

func makePipe(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPipeWithoutAReader: a run that waits for a reader says so, and ends when it is told to.
func TestPipeWithoutAReader(t *testing.T) {
	stop := make(chan struct{})
	end := sync.OnceFunc(func() { close(stop) })
	monitor := &sinktest.Monitor{OnWait: func(error) { end() }}
	_, err := disk.New(&sink.Env{Monitor: monitor, Stop: stop}).OpenDevice(t.Context(), makePipe(t), fs.ModeNamedPipe)
	if _, stopped := errors.AsType[*sink.StoppedError](err); !stopped || len(monitor.Lines()) != 1 {
		t.Errorf("%v, told %q", err, monitor)
	}
}

// TestPipeWithAReader: a reader that comes late gets everything.
func TestPipeWithAReader(t *testing.T) {
	path := makePipe(t)
	read := make(chan string)
	start := sync.OnceFunc(func() {
		go func() {
			f, err := os.Open(path)
			if err != nil {
				t.Error(err)
			}
			text, _ := io.ReadAll(f)
			_ = f.Close()
			read <- string(text)
		}()
	})
	monitor := &sinktest.Monitor{OnWait: func(error) { start() }}
	d, err := disk.New(&sink.Env{Monitor: monitor}).OpenDevice(t.Context(), path, fs.ModeNamedPipe)
	if err != nil {
		t.Fatal(err)
	}
	d.Write(t.Context(), &sink.Batch{Data: []byte("all")}, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	if err := d.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := <-read; text != "all" {
		t.Errorf("%q", text)
	}
}

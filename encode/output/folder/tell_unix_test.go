//go:build unix

package folder_test

import (
	"bufio"
	"context"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"pikabin/encode/output/folder"
)

// TestCommandIsKilled with all that it has started.
func TestCommandIsKilled(t *testing.T) {
	held := filepath.Join(t.TempDir(), "held")
	if err := syscall.Mkfifo(held, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HELD", held)
	s, err := folder.ParseSettings(map[string]string{"partition": "hive", "on-partition": `exec 3>"$HELD"; sleep 1000 & echo >&3; wait`})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Hour("db=db0", nil).Run(ctx, "db=db0") }()
	f, err := os.Open(held)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewReader(f)
	if _, err := in.ReadByte(); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; err == nil {
		t.Error("no error")
	}
	if err := f.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if _, err := in.ReadByte(); err == nil || os.IsTimeout(err) {
		t.Errorf("%v: something still runs", err)
	}
}

package folder

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/klauspost/compress/zstd"

	"pikabin/decode"
)

func TestFullDiskNamesTMPDIR(t *testing.T) {
	d := &Dir{ID: &decode.Log{DB: "db0", Slot: -1}}
	s := Segment{Path: "/data/write2file7.zst", Compression: Zstd}
	err := d.unpackError(s, &os.PathError{Op: "write", Path: "/tmp/pikabin-1", Err: syscall.ENOSPC})
	for _, want := range []string{"db0: unpacking /data/write2file7.zst: ", "no space left", "set TMPDIR to a folder with room", os.TempDir()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

// TestHugeWindow refuses an archive of thirteen bytes that asks for a window of 2 GiB.
func TestHugeWindow(t *testing.T) {
	frame := []byte("\x28\xb5\x2f\xfd\x00\xa8\x29\x00\x00hello")
	if err := inflate(io.Discard, Zstd, bytes.NewReader(frame)); !errors.Is(err, zstd.ErrWindowSizeExceeded) {
		t.Errorf("%v, want %v", err, zstd.ErrWindowSizeExceeded)
	}
}

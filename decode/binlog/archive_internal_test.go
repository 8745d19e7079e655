package binlog

import (
	"os"
	"strings"
	"syscall"
	"testing"

	"pikabin/decode"
)

func TestFullDiskNamesTMPDIR(t *testing.T) {
	l := &Log{id: &decode.Log{DB: "db0", Slot: -1}}
	s := Segment{Path: "/data/write2file7.zst", Compression: Zstd}
	err := l.unpackError(s, &os.PathError{Op: "write", Path: "/tmp/pikabin-1", Err: syscall.ENOSPC})
	for _, want := range []string{"db0: unpacking /data/write2file7.zst: ", "no space left", "set TMPDIR to a folder with room", os.TempDir()} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
}

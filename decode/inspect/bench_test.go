package inspect_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

// benchLog is a log of 64 MiB in records of some 120 bytes.
func benchLog(b *testing.B) []*binlog.Log {
	b.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{Discard: true, SegmentSize: 32 << 20})
	dir := filepath.Join(b.TempDir(), "log_db0")
	for i := 0; w.Position().Segment < 2; i++ {
		w.Command("SET", fmt.Sprintf("user:%010d", i), "a value of thirty-two characters")
	}
	if err := w.WriteDir(dir); err != nil {
		b.Fatal(err)
	}
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(64 << 20)
	b.ReportAllocs()
	return logs
}

func BenchmarkVerify(b *testing.B) {
	logs := benchLog(b)
	for b.Loop() {
		if _, err := inspect.Verify(b.Context(), logs, inspect.VerifyOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInfo(b *testing.B) {
	logs := benchLog(b)
	for b.Loop() {
		if _, err := inspect.Info(b.Context(), logs, inspect.InfoOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

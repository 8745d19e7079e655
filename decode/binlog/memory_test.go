package binlog_test

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
)

// TestLogKeepsNoLargeRecord: what is read to learn about a log stays in memory no longer than it is looked at, as long as the log is open.
func TestLogKeepsNoLargeRecord(t *testing.T) {
	for kind, argv := range map[string][]string{
		"text":            {"SET", "k", strings.Repeat("text", 6<<20)},
		"short arguments": append([]string{"SADD", "k"}, strings.Fields(strings.Repeat("text ", 1<<19))...),
	} {
		w := binlogtest.NewWriter(binlogtest.Options{})
		w.Command(argv...)
		dir := filepath.Join(t.TempDir(), "log_db0")
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		before := inUse()
		l := findOne(t, dir)
		if kept := inUse() - before; kept > 4<<20 {
			t.Errorf("%s: an open log keeps %d bytes", kind, kept)
		}
		runtime.KeepAlive(l)
	}
}

// inUse is how many bytes are in use.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

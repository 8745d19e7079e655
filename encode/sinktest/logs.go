package sinktest

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

// AppendWant appends the lines that a record should become.
func AppendWant(dst []byte, log string, w *binlogtest.Want) []byte {
	argv := w.Argv()
	if argv == nil {
		return dst
	}
	cmd := strings.ToLower(string(argv[0]))
	if cmd != "del" || len(argv) == 2 {
		return appendLine(dst, log, w.Segment, w.Offset, w.End, 0, 0, cmd, argv[1], argv)
	}
	for i, key := range argv[1:] {
		dst = appendLine(dst, log, w.Segment, w.Offset, w.End, i, len(argv)-1, cmd, key, argv)
	}
	return dst
}

// RandomLog writes records of all sizes, among them many that end close to the end of a block.
func RandomLog(rng *rand.Rand, o binlogtest.Options, records int) *binlogtest.Writer {
	w := binlogtest.NewWriter(o)
	for i := range records {
		key := fmt.Sprintf("key%d", i)
		switch n := rng.IntN(40); {
		case n < 20:
			w.Command("SET", key, Filler(rng, rng.IntN(300)))
		case n < 22:
			w.Command("SET", key, "")
		case n < 26:
			w.Command("DEL", key, "a", "b", "c")
		case n < 32:
			w.Command("SET", key, Filler(rng, rng.IntN(3*decode.BlockSize)))
		case n < 38:
			w.Fill(rng.IntN(12))
		case n == 38 && rng.IntN(4) == 0:
			w.Command("SET", key, Filler(rng, 1<<20+rng.IntN(3<<20)))
		case o.Generation >= decode.G3:
			w.Padding(rng.IntN(100), binlogtest.Put{})
		}
	}
	return w
}

// Filler is a value of n bytes, all alike.
func Filler(rng *rand.Rand, n int) string {
	return strings.Repeat(string(rune('a'+rng.IntN(26))), n)
}

// WantOf is the output that a log should give.
func WantOf(log string, w *binlogtest.Writer) []byte {
	var out []byte
	records := w.Records()
	for i := range records {
		out = AppendWant(out, log, &records[i])
	}
	return out
}

// WriteLogs puts logs into the folders of their DBs, and gives what should come out of them.
func WriteLogs(t *testing.T, dir string, writers ...*binlogtest.Writer) []byte {
	t.Helper()
	var want []byte
	for i, w := range writers {
		db := fmt.Sprintf("db%d", i)
		if err := w.WriteDir(filepath.Join(dir, "log_"+db)); err != nil {
			t.Fatal(err)
		}
		want = append(want, WantOf(db, w)...)
	}
	return want
}

// ThreeLogs writes logs of many segments.
func ThreeLogs(t *testing.T, seed uint64) (dir string, writers []*binlogtest.Writer) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	dir = t.TempDir()
	for range 3 {
		writers = append(writers, RandomLog(rng, binlogtest.Options{SegmentSize: 1 << 18}, 100))
	}
	WriteLogs(t, dir, writers...)
	return dir, writers
}

// SmallRecords is a log of many chunks of 64 KiB, each with some records.
func SmallRecords(t *testing.T, chunks int) (dir string, w *binlogtest.Writer, want []byte) {
	t.Helper()
	w = binlogtest.NewWriter(binlogtest.Options{})
	for range chunks * 10 {
		w.Command("SET", "k", strings.Repeat("v", decode.BlockSize/10))
	}
	dir = t.TempDir()
	return dir, w, WriteLogs(t, dir, w)
}

// portion is how much of a record with many events outputs are given at a time, and portionLines the events of one that is several times as much.
const portion, portionLines = 256, 28

// HourlyLogs writes two logs whose records are of several hours, some of them out of order, and one of the second log so large that it comes in portions.
func HourlyLogs(t *testing.T) ([]*binlog.Log, []*binlogtest.Writer) {
	t.Helper()
	dir := t.TempDir()
	rng := rand.New(rand.NewPCG(5, 5))
	var writers []*binlogtest.Writer
	for range 2 {
		w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 17})
		for i := range 40 {
			w.Advance(1500 - 3600*(i%7/6))
			w.Command("SET", fmt.Sprintf("key%d", i), Filler(rng, rng.IntN(10_000)))
			if i == 20 && len(writers) == 1 {
				w.Command(append([]string{"DEL"}, strings.Fields(strings.Repeat(" name", portionLines))...)...)
			}
		}
		writers = append(writers, w)
	}
	WriteLogs(t, dir, writers...)
	return Find(t, dir), writers
}

// UpTo is what should have come out of the logs before some positions, log by log.
func UpTo(writers []*binlogtest.Writer, ends map[string]decode.Position) []string {
	var all []string
	for i, w := range writers {
		db := fmt.Sprintf("db%d", i)
		var out []byte
		records := w.Records()
		for k := range records {
			if r := &records[k]; !ends[db].Before(decode.Position{Segment: r.Segment, Offset: r.End}) {
				out = AppendWant(out, db, r)
			}
		}
		all = append(all, string(out))
	}
	return all
}

// LogByLog parts a stream of lines.
func LogByLog(data []byte, n int) []string {
	all := make([]strings.Builder, n)
	for line := range strings.Lines(string(data)) {
		db, _, _ := strings.Cut(line, " ")
		number, isDB := strings.CutPrefix(db, "db")
		if i, err := strconv.Atoi(number); err == nil && isDB {
			all[i].WriteString(line)
		}
	}
	texts := make([]string, n)
	for i := range all {
		texts[i] = all[i].String()
	}
	return texts
}

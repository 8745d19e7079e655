package encode_test

import (
	"bytes"
	"context"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/formats"
)

// lines is a format that says in one line what a test wants to know of a change.
func lines() formats.Format {
	return formats.Format{Name: "lines", New: func(formats.Options) formats.Encoder { return lineEncoder{} }}
}

type lineEncoder struct{}

func (lineEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	if c.Op >= decode.OpGap {
		return fmt.Appendf(dst, "%s %s %d:%d %v-%v %s\n", c.Log, c.Op, c.Segment, c.Offset, c.From, c.To, c.Reason)
	}
	return appendLine(dst, c.Log.String(), c.Segment, c.Offset, c.End, int(c.Part), int(c.Parts), c.Cmd, c.Key, c.Argv)
}

// wholeValues is a format of keys and values that allocates nothing.
func wholeValues() formats.Format {
	return formats.Format{New: func(formats.Options) formats.Encoder { return valueEncoder{} }}
}

type valueEncoder struct{}

func (valueEncoder) AppendChange(dst []byte, c *decode.Change) []byte {
	dst = append(dst, `{"a head as long as that of an event, which is to say some one hundred and fifty bytes":`...)
	return append(append(append(dst, c.Key...), c.Value...), '\n')
}

func appendLine(dst []byte, log string, segment uint32, offset, end int64, part, parts int, cmd string, key []byte, argv [][]byte) []byte {
	sum := uint32(0)
	for _, arg := range argv[1:] {
		sum = crc32.Update(sum, crc32.IEEETable, arg)
	}
	return fmt.Appendf(dst, "%s %d:%d-%d %d/%d %s %q %08x\n", log, segment, offset, end, part, parts, cmd, key, sum)
}

// appendWant appends the lines that a record should become.
func appendWant(dst []byte, log string, w *binlogtest.Want) []byte {
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

// randomLog writes records of all sizes, among them many that end close to the end of a block.
func randomLog(rng *rand.Rand, o binlogtest.Options, records int) *binlogtest.Writer {
	w := binlogtest.NewWriter(o)
	for i := range records {
		key := fmt.Sprintf("key%d", i)
		switch n := rng.IntN(40); {
		case n < 20:
			w.Command("SET", key, filler(rng, rng.IntN(300)))
		case n < 22:
			w.Command("SET", key, "")
		case n < 26:
			w.Command("DEL", key, "a", "b", "c")
		case n < 32:
			w.Command("SET", key, filler(rng, rng.IntN(3*decode.BlockSize)))
		case n < 38:
			w.Fill(rng.IntN(12))
		case n == 38 && rng.IntN(4) == 0:
			w.Command("SET", key, filler(rng, 1<<20+rng.IntN(3<<20)))
		case o.Generation >= decode.G3:
			w.Padding(rng.IntN(100), binlogtest.Put{})
		}
	}
	return w
}

func filler(rng *rand.Rand, n int) string {
	return strings.Repeat(string(rune('a'+rng.IntN(26))), n)
}

// wantOf is the output that a log should give.
func wantOf(log string, w *binlogtest.Writer) []byte {
	var out []byte
	records := w.Records()
	for i := range records {
		out = appendWant(out, log, &records[i])
	}
	return out
}

// find opens the logs under a folder.
func find(t *testing.T, dir string) []*binlog.Log {
	t.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return logs
}

// sourceOf is all of the logs in chunks of a size.
func sourceOf(t *testing.T, logs []*binlog.Log, chunk int64) *binlog.Backfill {
	t.Helper()
	plans := make([]*binlog.Plan, len(logs))
	for i, l := range logs {
		plans[i] = l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})
	}
	return planOf(t, plans...)
}

var planOptions binlog.PlanOptions

// planOf chains plans, to be closed at the end of the test.
func planOf(t *testing.T, plans ...*binlog.Plan) *binlog.Backfill {
	t.Helper()
	source := binlog.NewBackfill(plans...)
	t.Cleanup(func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	})
	return source
}

// collector is a sink that keeps what it gets, and delivers at once.
type collector struct {
	bytes.Buffer
	frames [][]byte
	closed int
}

func (s *collector) Write(_ context.Context, b *encode.Batch, done func(error)) {
	s.Buffer.Write(b.Data)
	s.frames = append(s.frames, bytes.Clone(b.Data))
	done(nil)
}

func (s *collector) Close(context.Context) error { s.closed++; return nil }

// convert runs the logs under dir into a collector.
func convert(t *testing.T, dir string, chunk int64, o encode.Options) (*collector, encode.Result, error) {
	t.Helper()
	sink := &collector{}
	if o.Format.New == nil {
		o.Format = lines()
	}
	result, err := encode.Run(t.Context(), sourceOf(t, find(t, dir), chunk), sink, o)
	if sink.closed != 1 {
		t.Errorf("the sink was closed %d times", sink.closed)
	}
	return sink, result, err
}

// firstDifference shortens two long outputs to the lines where they part.
func firstDifference(got, want []byte) string {
	g, w := strings.SplitAfter(string(got), "\n"), strings.SplitAfter(string(want), "\n")
	for i := range max(len(g), len(w)) {
		if i >= len(g) || i >= len(w) || g[i] != w[i] {
			return fmt.Sprintf("line %d of %d (want %d):\n got  %.200s\n want %.200s", i, len(g), len(w), at(g, i), at(w, i))
		}
	}
	return "no difference"
}

func at(list []string, i int) string {
	if i < len(list) {
		return list[i]
	}
	return "(nothing)"
}

// writeLogs puts logs into the folders of their DBs, and gives what should come out of them.
func writeLogs(t *testing.T, dir string, writers ...*binlogtest.Writer) []byte {
	t.Helper()
	var want []byte
	for i, w := range writers {
		db := fmt.Sprintf("db%d", i)
		if err := w.WriteDir(filepath.Join(dir, "log_"+db)); err != nil {
			t.Fatal(err)
		}
		want = append(want, wantOf(db, w)...)
	}
	return want
}

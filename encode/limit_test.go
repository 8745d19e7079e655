package encode_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestRunLimit stops after any number of changes, in the middle of a record's parts, too.
func TestRunLimit(t *testing.T) {
	w := sinktest.RandomLog(rand.New(rand.NewPCG(3, 3)), binlogtest.Options{SegmentSize: 500_000}, 60)
	dir := t.TempDir()
	want := bytes.SplitAfter(sinktest.WriteLogs(t, dir, w), []byte("\n"))
	want = want[:len(want)-1]
	for n := 1; n <= len(want)+1; n++ {
		for _, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}} {
			to, result, err := sinktest.Convert(t, dir, how.chunk, encode.Options{Workers: how.workers, Limit: int64(n)})
			out := bytes.Join(want[:min(n, len(want))], nil)
			if err != nil || !bytes.Equal(to.Bytes(), out) || int(result.Changes) != min(n, len(want)) {
				t.Fatalf("limit %d, %+v: %v, %d changes, %s", n, how, err, result.Changes, sinktest.FirstDifference(to.Bytes(), out))
			}
			checkResume(t, dir, n, result, want)
		}
	}
}

// checkResume continues at the position after a cut: nothing is missing, and at most the parts of one record come again.
func checkResume(t *testing.T, dir string, n int, result encode.Result, want [][]byte) {
	t.Helper()
	l := sinktest.Find(t, dir)[0]
	from := result.Committed[result.Logs[0]]
	to := &sinktest.Collector{}
	if _, err := encode.Run(t.Context(), sinktest.PlanOf(t, l.Chunks(from, l.Committed(), binlog.PlanOptions{})), sink.Opened{Sink: to}, encode.Options{Format: sinktest.Lines()}); err != nil {
		t.Fatal(err)
	}
	rest := bytes.SplitAfter(to.Bytes(), []byte("\n"))
	rest = rest[:len(rest)-1]
	again := len(rest) - (len(want) - min(n, len(want)))
	if again < 0 || again > 3 || !bytes.Equal(bytes.Join(want[len(want)-len(rest):], nil), to.Bytes()) {
		t.Fatalf("limit %d: after %v come %d changes, %d of them again", n, from, len(rest), again)
	}
	if again > 0 && !bytes.Contains(rest[0], fmt.Appendf(nil, " 0/%d ", again+partsLeft(rest, again))) {
		t.Fatalf("limit %d: %d changes come again after %v: %s", n, again, from, rest[0])
	}
}

// partsLeft is how many parts of the record that was cut are new.
func partsLeft(rest [][]byte, again int) int {
	n := 0
	for _, line := range rest[again:] {
		if bytes.Equal(line[:bytes.IndexByte(line, '-')], rest[0][:bytes.IndexByte(rest[0], '-')]) {
			n++
		}
	}
	return n
}

// TestRunLimitOfKeptPositions runs again and again with a limit, each from the place that the one before has left: every change comes once.
func TestRunLimitOfKeptPositions(t *testing.T) {
	w := sinktest.RandomLog(rand.New(rand.NewPCG(5, 5)), binlogtest.Options{SegmentSize: 500_000}, 60)
	dir := t.TempDir()
	want := sinktest.WriteLogs(t, dir, w)
	l := sinktest.Find(t, dir)[0]
	for limit := int64(1); limit < 9; limit++ {
		var got []byte
		for from := l.Start(); ; {
			to := &sinktest.Collector{}
			result, err := encode.Run(t.Context(), sinktest.PlanOf(t, l.Chunks(from, l.Committed(), binlog.PlanOptions{})), sink.Opened{Sink: to},
				encode.Options{Format: sinktest.Lines(), Limit: limit, Fences: true, Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, to.Bytes()...); result.Changes < limit {
				break
			}
			from = result.Committed[result.Logs[0]]
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("limit %d: %s", limit, sinktest.FirstDifference(got, want))
		}
	}
}

package encode_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
)

// TestRunLimit stops after any number of changes, in the middle of a record's parts, too.
func TestRunLimit(t *testing.T) {
	w := randomLog(rand.New(rand.NewPCG(3, 3)), binlogtest.Options{SegmentSize: 500_000}, 60)
	dir := t.TempDir()
	want := bytes.SplitAfter(writeLogs(t, dir, w), []byte("\n"))
	want = want[:len(want)-1]
	for n := 1; n <= len(want)+1; n++ {
		for _, how := range []way{{1, 0, 1 << 20, ""}, {8, 0, 1 << 16, ""}} {
			sink, result, err := convert(t, dir, how.chunk, encode.Options{Workers: how.workers, Limit: int64(n)})
			out := bytes.Join(want[:min(n, len(want))], nil)
			if err != nil || !bytes.Equal(sink.Bytes(), out) || int(result.Changes) != min(n, len(want)) {
				t.Fatalf("limit %d, %+v: %v, %d changes, %s", n, how, err, result.Changes, firstDifference(sink.Bytes(), out))
			}
			checkResume(t, dir, n, result, want)
		}
	}
}

// checkResume goes on at the position behind a cut: nothing is missing, and at most the parts of one record come again.
func checkResume(t *testing.T, dir string, n int, result encode.Result, want [][]byte) {
	t.Helper()
	l := find(t, dir)[0]
	from := result.Committed[result.Logs[0]]
	sink := &collector{}
	if _, err := encode.Run(t.Context(), planOf(t, l.Chunks(from, l.Committed(), planOptions)), sink, encode.Options{Format: lines()}); err != nil {
		t.Fatal(err)
	}
	rest := bytes.SplitAfter(sink.Bytes(), []byte("\n"))
	rest = rest[:len(rest)-1]
	again := len(rest) - (len(want) - min(n, len(want)))
	if again < 0 || again > 3 || !bytes.Equal(bytes.Join(want[len(want)-len(rest):], nil), sink.Bytes()) {
		t.Fatalf("limit %d: behind %v come %d changes, %d of them again", n, from, len(rest), again)
	}
	if again > 0 && !bytes.Contains(rest[0], fmt.Appendf(nil, " 0/%d ", again+partsLeft(rest, again))) {
		t.Fatalf("limit %d: %d changes come again behind %v: %s", n, again, from, rest[0])
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
	w := randomLog(rand.New(rand.NewPCG(5, 5)), binlogtest.Options{SegmentSize: 500_000}, 60)
	dir := t.TempDir()
	want := writeLogs(t, dir, w)
	l := find(t, dir)[0]
	for limit := int64(1); limit < 9; limit++ {
		var got []byte
		for from := l.Start(); ; {
			sink := &collector{}
			result, err := encode.Run(t.Context(), planOf(t, l.Chunks(from, l.Committed(), planOptions)), sink,
				encode.Options{Format: lines(), Limit: limit, Fences: true, Workers: 4})
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, sink.Bytes()...); result.Changes < limit {
				break
			}
			from = result.Committed[result.Logs[0]]
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("limit %d: %s", limit, firstDifference(got, want))
		}
	}
}

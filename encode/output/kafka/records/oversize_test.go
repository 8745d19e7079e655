package records

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// addLetters adds events to a file until one is refused, and says how many were taken.
func addLetters(mem *vfstest.Mem, from, count int) int {
	d := disk.New(&sink.Env{Disk: mem})
	f, err := d.OpenLines(context.Background(), "/letters")
	if err != nil {
		return 0
	}
	defer f.Close()
	for i := range count {
		if f.Append(context.Background(), letter{Value: []byte(strings.Repeat("v", 40_000*i)), Time: int64(from + i)}) != nil {
			return i
		}
	}
	return count
}

// lettersIn are the times of the events in the file, each of which has to be whole.
func lettersIn(t *testing.T, mem *vfstest.Mem) string {
	t.Helper()
	var times []int64
	for line := range strings.Lines(mem.Files()["/letters"]) {
		var l letter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("a line of %d bytes: %v", len(line), err)
		}
		times = append(times, l.Time)
	}
	return fmt.Sprint(times)
}

// TestLettersSurvive lets each system call fail, be the last one before a power failure, or find no room once: what was taken is
// there, half a line is not, and the next run adds to it.
func TestLettersSurvive(t *testing.T) {
	const count = 3
	for k := 1; ; k++ {
		mem := vfstest.New()
		mem.Inject(vfstest.Fault{At: k, Crash: true, Err: vfstest.ErrCrashed, Short: k%2 == 0})
		taken := addLetters(mem, 0, count)
		if !mem.Crashed() {
			if taken != count || k < 2*count {
				t.Errorf("%d were taken in %d calls", taken, k)
			}
			break
		}
		for after := range mem.PowerLoss() {
			if addLetters(after, 10, 1) != 1 {
				t.Fatalf("call %d: nothing more is taken", k)
			}
			text := lettersIn(t, after)
			if !strings.HasPrefix(text, strings.TrimSuffix(fmt.Sprint([]int{0, 1, 2}[:taken]), "]")) || !strings.HasSuffix(text, "10]") {
				t.Errorf("call %d: %d were taken, there are %s", k, taken, text)
			}
		}
		full := vfstest.New()
		full.Inject(vfstest.Fault{At: k, Err: syscall.ENOSPC, Short: k%2 == 0})
		if addLetters(full, 0, count) == count && lettersIn(t, full) != "[0 1 2]" {
			t.Errorf("no room at call %d: there are %s", k, lettersIn(t, full))
		}
	}
}

// TestBlobSurvives is the same for a value in a file of its own: under its name it is whole.
func TestBlobSurvives(t *testing.T) {
	const name = "/db0-1-2-eb69abcc54d8bcf9"
	for k := 1; ; k++ {
		mem := vfstest.New()
		mem.Inject(vfstest.Fault{At: k, Crash: true, Err: vfstest.ErrCrashed, Short: k%2 == 0})
		z := &oversized{disk: disk.New(&sink.Env{Disk: mem}), folder: "/"}
		r := &kgo.Record{Value: []byte("the value"), Headers: []kgo.RecordHeader{{Value: []byte("db0/1:2")}}}
		_, err := z.store(t.Context(), r)
		for after := range mem.PowerLoss() {
			if text, there := after.Files()[name]; there && text != "the value" || err == nil && !there {
				t.Errorf("call %d: %q, %v", k, text, err)
			}
		}
		if !mem.Crashed() {
			break
		}
	}
}

package compact_test

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/compact"
	"pikabin/encode/vfs/vfstest"
)

// TestCrash ends the process at each call, or cuts the power: readers find each event once, then and after the next run, which merges all.
func TestCrash(t *testing.T) {
	keeps := func(o *compact.Options) { o.Keep = 1 }
	for _, c := range []struct {
		format, compress string
		step             int
		change           func(o *compact.Options)
	}{{"jsonl", "none", 1, nil}, {"jsonl", "none", 3, keeps}, {"parquet", "zstd", 9, keeps}, {"avro", "deflate", 5, nil}} {
		t.Run(fmt.Sprint(c.format, " every ", c.step), func(t *testing.T) {
			whole := vfstest.New()
			write(t, whole, c.format, c.compress)
			want := events(t, whole.Files())
			mem := whole.Restart()
			if _, err := run(t, mem, c.change); err != nil {
				t.Fatal(err)
			}
			for _, k := range sample.Of(changing(mem.Calls(), c.step), 8) {
				mem := whole.Restart()
				mem.Inject(vfstest.Fault{At: k, Crash: true})
				if _, err := run(t, mem, c.change); err == nil {
					t.Fatalf("no crash at call %d", k)
				}
				mem.Inject(vfstest.Fault{})
				goOn(t, fmt.Sprintf("crash at call %d", k), mem.Restart(), want)
				goOn(t, fmt.Sprintf("power failure at call %d", k), powerLoss(mem, k), want)
			}
		})
	}
}

// changing are the numbers of the calls after which something else is left than before them, each of so many.
func changing(calls []string, step int) (numbers []int) {
	for i, call := range calls {
		if op, _, _ := strings.Cut(call, " "); op != "read" && op != "stat" && op != "readdir" && op != "close" {
			numbers = append(numbers, i+1)
		}
	}
	var some []int
	for i := 0; i < len(numbers); i += step {
		some = append(some, numbers[i])
	}
	return some
}

// goOn looks at what is left, and merges it.
func goOn(t *testing.T, when string, left *vfstest.Mem, want []string) {
	t.Helper()
	same(t, when, want, events(t, left.Files()))
	merged(t, left)
	same(t, when+", merged", want, events(t, left.Files()))
	for dir, n := range parts(left.Files()) {
		if n != 1 {
			t.Errorf("%s: %d parts stay in %s", when, n, dir)
		}
	}
}

// TestErrors lets each call fail: the run tells it, readers find each event once, and the next run merges all.
func TestErrors(t *testing.T) {
	whole := vfstest.New()
	write(t, whole, "jsonl", "zstd")
	want := events(t, whole.Files())
	mem := whole.Restart()
	merged(t, mem)
	for _, k := range sample.Of(sample.Numbers(1, len(mem.Calls()), 3), 20) {
		mem := whole.Restart()
		mem.Inject(vfstest.Fault{At: k, Err: syscall.EIO, Short: k%2 == 0})
		outcomes, err := run(t, mem, nil)
		for _, p := range outcomes {
			err = errors.Join(err, p.Why)
		}
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatalf("call %d: %v", k, err)
		}
		goOn(t, fmt.Sprintf("error at call %d", k), mem.Restart(), want)
	}
}

// TestNoRoom waits for room at each call, says so, and continues.
func TestNoRoom(t *testing.T) {
	whole := vfstest.New()
	write(t, whole, "jsonl", "none")
	want := events(t, whole.Files())
	mem := whole.Restart()
	merged(t, mem)
	for k, call := range mem.Calls() {
		if call[:5] != "write" {
			continue
		}
		mem := whole.Restart()
		mem.Inject(vfstest.Fault{At: k + 1, Err: syscall.ENOSPC, Short: k%2 == 0})
		var said string
		if _, err := run(t, mem, func(o *compact.Options) { o.Warn = func(text string) { said += text + "\n" } }); err != nil || !strings.Contains(said, "no room for staging/new") {
			t.Fatalf("%s: %v, %q", call, err, said)
		}
		same(t, call, want, events(t, mem.Files()))
	}
}

package output_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// TestKeepersWaitForRoom lets a write fail for lack of room, once: it is said, and made up for.
func TestKeepersWaitForRoom(t *testing.T) {
	for i, o := range outputs() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			logs, writers := sinktest.HourlyLogs(t)
			whole := newJourney(t, o, logs, writers)
			if err := whole.run(); err != nil {
				t.Fatal(err)
			}
			waited := 0
			for _, k := range whole.share(i) {
				j := newJourney(t, o, logs, writers)
				j.mem.Inject(vfstest.Fault{At: k, Err: syscall.ENOSPC, Short: k%2 == 0})
				err := j.run()
				call := j.mem.Calls()
				if len(call) >= k && strings.HasPrefix(call[k-1], "write ") {
					waited++
					if err != nil || len(j.warned) != 2 {
						t.Fatalf("%v, call %d: %v, warned %q", &o, k, err, j.warned)
					}
				}
				j.mem.Inject(vfstest.Fault{})
				j.goOn(j.mem.Restart(), fmt.Sprintf("no room at call %d", k))
			}
			if waited == 0 {
				t.Errorf("%v: no write was among the calls", &o)
			}
		})
	}
}

// TestKeepersEndWithoutRoom stops a run that waits for room, at any system call: what was delivered before is whole and saved, no
// record is there in part, and the next run continues.
func TestKeepersEndWithoutRoom(t *testing.T) {
	var compared atomic.Int64
	t.Cleanup(func() {
		if compared.Load() < 9 {
			t.Errorf("%d outputs could be compared", compared.Load())
		}
	})
	for i, o := range outputs() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			logs, writers := sinktest.HourlyLogs(t)
			whole := newJourney(t, o, logs, writers)
			if err := whole.run(); err != nil {
				t.Fatal(err)
			}
			ended := 0
			for _, k := range whole.share(i) {
				j := newJourney(t, o, logs, writers)
				j.stop = make(chan struct{})
				stop := sync.OnceFunc(func() { close(j.stop) })
				j.waits = func(error) { stop() }
				j.mem.Inject(vfstest.Fault{At: k, Err: syscall.ENOSPC, Short: k%2 == 0, Lasting: k%5 == 0})
				err := j.run()
				calls := j.mem.Calls()
				j.mem.Inject(vfstest.Fault{})
				when := fmt.Sprintf("stopped without room at call %d (%v)", k, err)
				if len(calls) >= k && strings.HasPrefix(calls[k-1], "write ") {
					ended++
					once := k%5 != 0 // else it may be another call that ends the run
					if full := new(sink.FullError); err == nil || once && !errors.As(err, &full) || len(j.warned) == 0 {
						t.Fatalf("%v, %s: warned %q", &o, when, j.warned)
					}
					if once && j.checkEnd(when) {
						compared.Add(1)
					}
				}
				j.goOn(j.mem.Restart(), when)
			}
			if ended == 0 {
				t.Errorf("%v: no write was among the calls", &o)
			}
		})
	}
}

// checkEnd compares what there is with what the state says of it, if it says anything: nothing is there in part.
func (j *journey) checkEnd(when string) bool {
	j.t.Helper()
	ends := map[string]decode.Position{}
	for log, mark := range j.start {
		if mark.Position.Offset > 0 {
			ends[log.DB] = mark.Position
		}
	}
	if len(ends) == 0 {
		return false
	}
	whole := *j
	whole.want = sinktest.UpTo(j.writers, ends)
	whole.check(when)
	return true
}

package sinktest

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// crashes ends the process at any system call, and continues with what a crash, or a power failure, has left: every
// record is there once, and no part has changed that somebody has seen.
func crashes(t *testing.T, whole *journey) {
	t.Helper()
	for _, k := range whole.share() {
		j := whole.again(t)
		j.mem.Inject(vfstest.Fault{At: k, Crash: true, Err: vfstest.ErrCrashed, Short: k%2 == 0})
		_ = j.run() // it has crashed, or the crash came too late
		crashed := j.mem
		crashed.Inject(vfstest.Fault{})
		j.goOn(crashed.Restart(), fmt.Sprintf("crash at call %d", k))
		j.goOn(afterPowerLoss(crashed, k), fmt.Sprintf("power failure at call %d", k))
	}
}

// afterPowerLoss is one of what a power failure may leave.
func afterPowerLoss(m *vfstest.Mem, seed int) *vfstest.Mem {
	rng := rand.New(rand.NewPCG(uint64(seed), 9))
	var one *vfstest.Mem
	n := 0
	for left := range m.PowerLoss() {
		if n++; rng.IntN(n) == 0 {
			one = left
		}
		if n == 64 {
			break
		}
	}
	return one
}

// fails lets any system call fail once: the run ends with an error and the next one continues, or it was of no consequence.
func fails(t *testing.T, whole *journey) {
	t.Helper()
	for _, k := range whole.share() {
		j := whole.again(t)
		j.mem.Inject(vfstest.Fault{At: k, Err: syscall.EIO, Short: k%2 == 0})
		err := j.run()
		if err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatalf("call %d: %v", k, err)
		}
		j.mem.Inject(vfstest.Fault{})
		j.goOn(j.mem.Restart(), fmt.Sprintf("an error at call %d (%v)", k, err))
	}
}

// isWrite reports whether call k of a run was to write.
func (j *journey) isWrite(k int) bool {
	calls := j.mem.Calls()
	return len(calls) >= k && strings.HasPrefix(calls[k-1], "write ")
}

// waitsForRoom lets a write fail for lack of room, once: it is said, and made up for.
func waitsForRoom(t *testing.T, whole *journey) {
	t.Helper()
	waited := 0
	for _, k := range whole.writes() {
		j := whole.again(t)
		j.mem.Inject(vfstest.Fault{At: k, Err: syscall.ENOSPC, Short: k%2 == 0})
		err := j.run()
		if j.isWrite(k) {
			waited++
			if err != nil || len(j.monitor.Lines()) != 2 {
				t.Fatalf("call %d: %v, warned %q", k, err, j.monitor)
			}
		}
		j.mem.Inject(vfstest.Fault{})
		j.goOn(j.mem.Restart(), fmt.Sprintf("no room at call %d", k))
	}
	if waited == 0 {
		t.Errorf("no write was among the calls")
	}
}

// endsWithoutRoom stops a run that waits for room, at any system call: what was delivered before is whole and saved, no
// record is there in part, and the next run continues. Inside of a record that comes in portions nothing is saved, and the next run takes it out.
func endsWithoutRoom(t *testing.T, whole *journey) {
	t.Helper()
	ended, compared := 0, 0
	for _, k := range whole.writes() {
		j := whole.again(t)
		j.stop = make(chan struct{})
		stop := sync.OnceFunc(func() { close(j.stop) })
		j.monitor.OnWait = func(error) { stop() }
		once := k%5 != 0 // else it may be another call that ends the run
		j.mem.Inject(vfstest.Fault{At: k, Err: syscall.ENOSPC, Short: k%2 == 0, Lasting: !once})
		err := j.run()
		write := j.isWrite(k)
		j.mem.Inject(vfstest.Fault{})
		when := fmt.Sprintf("stopped without room at call %d (%v)", k, err)
		if write {
			ended++
			if full := new(sink.FullError); err == nil || once && !errors.As(err, &full) || len(j.monitor.Lines()) == 0 {
				t.Fatalf("%s: warned %q", when, j.monitor)
			}
			if once && !j.suite.Live && !j.inside && j.checkEnd(when) { // what waits for its frame is not in the output when it is too late
				compared++
			}
		}
		j.goOn(j.mem.Restart(), when)
	}
	const few = 20 // of which maybe none comes after a save
	if ended == 0 || compared == 0 && !whole.suite.Live && ended >= few {
		t.Errorf("%d runs were stopped by a write, %d could be compared", ended, compared)
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
	if len(ends) == 0 || j.suite.Sealed && slices.ContainsFunc(slices.Collect(maps.Keys(j.mem.Files())), isStaged) {
		return false // what is delivered may be sealed by the next run
	}
	then := *j
	then.want = UpTo(j.writers, ends)
	then.check(when)
	return true
}

// withoutState lets any system call fail once in a run that keeps no state: if it ends without an error all is there, and stays when the
// power fails; else what it calls delivered is there.
func withoutState(t *testing.T, whole *journey) {
	t.Helper()
	for _, k := range append(whole.share(), 0) {
		j := whole.again(t)
		j.stateless = true
		j.mem.Inject(vfstest.Fault{At: k, Err: syscall.EIO, Short: k%2 == 0})
		err := j.run()
		if k == 0 && err != nil || err != nil && !errors.Is(err, syscall.EIO) {
			t.Fatalf("call %d: %v", k, err)
		}
		when := fmt.Sprintf("without a state, an error at call %d", k)
		if err != nil {
			j.checkTold(when)
			continue
		}
		j.check(when)
		j.mem = afterPowerLoss(j.mem, k)
		j.check(when + ", and a power failure")
	}
}

// checkTold looks in the parts for everything that the last run said that it has delivered. A file that an error has ended may end in half a frame.
func (j *journey) checkTold(when string) {
	j.t.Helper()
	if !j.parts() {
		return
	}
	ends := map[string]decode.Position{}
	for log, at := range j.told {
		ends[log.DB] = at
	}
	there := map[string]bool{}
	for line := range strings.Lines(string(j.visibleText())) {
		there[line] = true
	}
	for db, text := range UpTo(j.writers, ends) {
		for line := range strings.Lines(text) {
			if !there[line] {
				j.t.Fatalf("%s: db%d is called delivered up to %v, and there is no %.100q", when, db, ends[fmt.Sprintf("db%d", db)], line)
			}
		}
	}
}

// refuses changes what was written, or the state: the next run refuses that, and touches nothing.
func refuses(t *testing.T, whole *journey) {
	t.Helper()
	for name, damage := range whole.suite.Refuses {
		checkRefused(t, whole, name, damage.Want, func(j *journey) { damage.Change(j.mem) })
	}
	checkRefused(t, whole, "a new state", "the state is a new one", func(j *journey) { j.note, j.start = nil, nil })
	checkRefused(t, whole, "a note of others", "the state's note", func(j *journey) { j.note = []byte(`[1]`) })
}

func checkRefused(t *testing.T, whole *journey, name, want string, change func(j *journey)) {
	t.Helper()
	j := whole.again(t)
	if err := j.run(); err != nil {
		t.Fatal(err)
	}
	change(j)
	before, shown := j.mem.Files(), j.files()
	if err := j.run(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%s: %v", name, err)
	}
	if after := j.mem.Files(); !maps.Equal(before, after) || !maps.Equal(shown, j.files()) {
		t.Errorf("%s: the files have changed", name)
	}
}

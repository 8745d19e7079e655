package sinktest

import (
	"fmt"
	"sync"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/vfs/vfstest"
)

// Store is a place for parts that is no disk, and that is asked over a network.
type Store interface {
	Target() string           // the value of --output
	Files() map[string]string // what consumers see, by name
	Fork(t *testing.T) Store  // another one that has the same parts

	Requests() int // how many there were

	// Fail lets a request fail in a way that passes: how counts the ways from 0. It says what it is.
	Fail(request, how int) string

	// Crash lets the process end at a request, which calls crashed and, if done, has its effect all the same. No later one has any.
	Crash(request int, done bool, crashed func())
}

// storeCrashes ends the process at any request, which may have had its effect, and continues with what a crash or a power failure has left.
func storeCrashes(t *testing.T, whole *journey) {
	t.Helper()
	for _, k := range whole.suite.some(sample.Numbers(1, whole.place.store.Requests(), 1)) {
		for _, done := range []bool{false, true} {
			j := whole.again(t)
			j.stop = make(chan struct{})
			stop := sync.OnceFunc(func() { close(j.stop) })
			j.place.store.Crash(k, done, func() {
				j.mem.Inject(vfstest.Fault{At: 1, Crash: true, Err: vfstest.ErrCrashed})
				stop() // nobody waits in a process that has ended
			})
			_ = j.run()
			crashed := j.mem
			crashed.Inject(vfstest.Fault{})
			j.goOn(crashed.Restart(), fmt.Sprintf("crash at request %d, done %t", k, done))
			j.goOn(afterPowerLoss(crashed, k), fmt.Sprintf("power failure at request %d, done %t", k, done))
		}
	}
}

// storeTrouble lets any request fail, in any way that passes: the run makes up for it.
func storeTrouble(t *testing.T, whole *journey) {
	t.Helper()
	for _, k := range whole.suite.some(sample.Numbers(1, whole.place.store.Requests(), 1)) {
		for how := range 3 {
			j := whole.again(t)
			what := j.place.store.Fail(k, k+how*5)
			if err := j.run(); err != nil {
				t.Fatalf("%s at request %d: %v", what, k, err)
			}
			j.check(fmt.Sprintf("%s at request %d", what, k))
		}
	}
}

package replica_test

import (
	"flag"
	"net"
	"sync"
	"testing"
	"testing/synctest"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/sample"
	"pikabin/decode/replica"
)

var everyCut = flag.Bool("cut.every", false, "cut connections at every call, and not at some")

// places is how many places of a log are tried.
func places() int { return sample.Count(15, 3) }

// TestFixtures reads what real servers have written over the network: the events, places and fences are those of the files. Then it
// reads from places in the middle, as after a kill of this side.
func TestFixtures(t *testing.T) {
	eachLog(t, func(t *testing.T, l binlogtest.LogFixture, dir string, start decode.Position, want []event) {
		t.Helper()
		synctest.Test(t, func(t *testing.T) {
			r := newRig(t, pikamaster.Options{Version: l.Version, DBs: dbOf(l.DB, dir)})
			same(t, want, r.toEnd(replica.Start{From: start}).events)
			for i := 0; i < len(want); i += 1 + len(want)/places() {
				same(t, want[i+1:], r.toEnd(replica.Start{From: want[i].end, Fence: want[i].fence}).events)
			}
		})
	})
}

// TestCut ends a connection at each call of each side, and reads on over another one: nothing is missing and nothing comes twice.
func TestCut(t *testing.T) {
	eachLog(t, func(t *testing.T, l binlogtest.LogFixture, dir string, start decode.Position, want []event) {
		t.Helper()
		stride := 1 + len(want)/places()
		if *everyCut {
			stride = 1
		}
		for calls := 1; calls > 0; calls += stride {
			calls = cutRun(t, l, dir, want, replica.Start{From: start}, calls)
		}
	})
}

// eachLog runs a test for each log of a real server: with its folder, where its history starts, and what its files give from there.
func eachLog(t *testing.T, run func(t *testing.T, l binlogtest.LogFixture, dir string, start decode.Position, want []event)) {
	t.Helper()
	for _, l := range networkLogs(t) {
		t.Run(l.Name, func(t *testing.T) {
			t.Parallel()
			dir := unpack(t, l)
			start := historyStart(t, dir)
			want := ofFiles(t, dir, start)
			if len(want) == 0 {
				t.Skip("nothing but filler")
			}
			run(t, l, dir, start, want)
		})
	}
}

// cutRun reads a log once. It gives below 0 when the connection was not cut.
func cutRun(t *testing.T, l binlogtest.LogFixture, dir string, want []event, from replica.Start, calls int) int {
	t.Helper()
	left := calls
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		r := newRig(t, pikamaster.Options{Version: l.Version, DBs: dbOf(l.DB, dir), Window: 40, Batch: 1 + len(want)/40})
		r.wrap = func(c net.Conn) net.Conn { return &cutter{Conn: c, mu: &mu, calls: &left} }
		same(t, want, r.toEnd(from).events)
	})
	if left > 0 {
		return -1 << 40
	}
	return calls
}

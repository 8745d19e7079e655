//go:build unix

package torture

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pikabin/encode/cli/clitest"
)

// moments are where a run is killed. Each waits for what has to happen, and none for long.
var moments = []func(r *round, p *clitest.Program){
	func(r *round, p *clitest.Program) { p.After(r.random, 10*time.Millisecond) },
	func(r *round, p *clitest.Program) { p.After(r.random, 200*time.Millisecond) },
	func(_ *round, p *clitest.Program) { p.Says(": from ") },
	func(r *round, p *clitest.Program) { r.delivered(p) },
	func(r *round, p *clitest.Program) { p.Event(r.out, r.random, 12) },                             // saves
	func(r *round, p *clitest.Program) { p.Event(filepath.Join(r.log(), "log_db0"), r.random, 12) }, // rolls
	func(r *round, p *clitest.Program) { p.Event(r.outputDir(), r.random, 20) },                     // parts
}

// outputDir is where the output's files come and go.
func (r *round) outputDir() string {
	if r.folder() {
		return r.path(r.output)
	}
	return r.out
}

// delivered waits until the program has put out something.
func (r *round) delivered(p *clitest.Program) {
	if r.output == "" {
		before := r.size()
		p.Until("output", func() bool { return r.size() > before })
		return
	}
	r.saved(p)
}

// saved waits for a save.
func (r *round) saved(p *clitest.Program) {
	before := r.load().Saves
	p.Until("a save", func() bool { return r.load().Saves > before })
}

// moment waits for one of the moments. On a full disk there may be none but those of the clock.
func (r *round) moment(p *clitest.Program) {
	r.Helper()
	if r.isFull() {
		p.After(r.random, 200*time.Millisecond)
		return
	}
	moments[r.random.IntN(len(moments))](r, p)
	p.After(r.random, 3*time.Millisecond)
}

// killed is kill -9 at some moment.
func (r *round) killed(p *clitest.Program) {
	r.moment(p)
	r.kill(p)
}

func (r *round) kill(p *clitest.Program) {
	if p.Kill() {
		r.kills++
	}
}

// stopped is SIGTERM, when the program has come so far that it knows what to do.
func (r *round) stopped(p *clitest.Program) {
	if !p.Says(": from ") {
		return
	}
	r.moment(p)
	p.Signal(syscall.SIGTERM)
	if code := p.Wait(); code != 0 && r.tails() && (!r.isFull() || r.output != "") {
		r.Fatalf("exit code %d at SIGTERM:\n%s", code, &p.Messages)
	}
	r.stops++
}

// hungUp is SIGHUP, which completes a part, and kill -9 after it.
func (r *round) hungUp(p *clitest.Program) {
	r.delivered(p)
	p.Signal(syscall.SIGHUP)
	r.killed(p)
}

// writerKilled is kill -9 of the writer, which then continues over its torn tail.
func (r *round) writerKilled(p *clitest.Program) {
	r.moment(p)
	r.writer.Kill()
	r.writerKills++
	if r.random.IntN(2) == 0 {
		p.After(r.random, 20*time.Millisecond) // nothing else is sure to happen now
		r.kill(p)
	}
	r.writer.Restart()
	r.killed(p)
}

// filled is a disk without room, which it then has again, or not before the kill.
func (r *round) filled(p *clitest.Program) {
	r.moment(p)
	r.disk.fill()
	r.full++
	p.Until("a message of the full disk", func() bool { return p.Messages.Count("no space left") > 0 })
	if r.purges {
		purged := r.purged()
		p.Until("a purge", purged)
	}
	checkMemory(r, p, fullMemory)
	if r.random.IntN(2) == 0 {
		r.disk.free()
	}
	if r.output != "" && r.random.IntN(2) == 0 {
		r.stopped(p)
		return
	}
	r.killed(p)
}

// fullMemory is --memory of the runs on disks that fill up, where the bytes in flight must not pile up.
const fullMemory = 16 << 20

// keptSegments is how many a server that purges keeps: some seconds of them, so that what is pinned is pinned in time by a program
// that was killed and started again a few times in a row.
const keptSegments = 40

// purged tells when all segments that are there now have been purged.
func (r *round) purged() func() bool {
	newest := r.segments()
	return func() bool {
		for db, numbers := range r.segments() {
			if numbers[0] <= newest[db][len(newest[db])-1] {
				return false
			}
		}
		return true
	}
}

// segments are the numbers of those that are there, by DB.
func (r *round) segments() map[string][]int {
	r.Helper()
	list := map[string][]int{}
	for _, db := range []string{"log_db0", "log_db1", "log_db2"} {
		entries, err := os.ReadDir(filepath.Join(r.log(), db))
		if err != nil {
			r.Fatal(err)
		}
		for _, e := range entries {
			if n, err := strconv.Atoi(strings.TrimPrefix(e.Name(), "write2file")); err == nil {
				list[db] = append(list[db], n)
			}
		}
		slices.Sort(list[db])
	}
	return list
}

// absent is a time without the program, in which the server purges what was not read.
func (r *round) absent() {
	r.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for purged := r.purged(); !purged(); {
		<-tick.C
	}
}

// act is one run.
func (r *round) act() {
	r.Helper()
	if r.disk != nil && r.disk.full && r.random.IntN(2) == 0 {
		r.disk.free()
	}
	switch n := r.random.IntN(20); {
	case n == 0:
		r.run(r.stopped)
	case n == 1:
		r.run(r.writerKilled)
	case n == 2 && r.tails() && r.output != "" && !r.isFull():
		r.run(r.hungUp)
	case n == 3 && r.losing:
		r.absent()
	case n < 6 && r.disk != nil && !r.disk.full:
		r.run(r.filled)
	default:
		r.run(r.killed)
	}
}

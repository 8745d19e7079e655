package output_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/frame"
	"pikabin/encode/output"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// target is a case of the suite that every Keeper runs.
type target struct {
	path     string
	compress string
	hive     bool
}

func outputs() []target {
	var all []target
	for _, compress := range []string{"none", "zstd", "gzip"} {
		all = append(all, target{path: "out.jsonl", compress: compress}, target{path: "out/", compress: compress},
			target{path: "out/", compress: compress, hive: true})
	}
	return all
}

func (o *target) String() string { return fmt.Sprintf("%s %s hive %t", o.path, o.compress, o.hive) }

// journey is one output through several runs: what the state holds, and what consumers have seen.
type journey struct {
	t *testing.T
	target
	logs    []*binlog.Log
	writers []*binlogtest.Writer
	want    []string
	mem     *vfstest.Mem
	start   map[*decode.Log]checkpoint.Mark
	note    []byte
	seen    map[string]string
	saves   int
	mu      *sync.Mutex
	warned  []string
	compare frame.Compression
	waits   func(error)   // nil: nobody is told
	stop    chan struct{} // nil: the run continues to the end
}

func newJourney(t *testing.T, o target, logs []*binlog.Log, writers []*binlogtest.Writer) *journey {
	t.Helper()
	j := &journey{t: t, target: o, logs: logs, writers: writers, mem: vfstest.New(), mu: &sync.Mutex{}}
	j.start, j.seen = map[*decode.Log]checkpoint.Mark{}, map[string]string{}
	for i, w := range writers {
		j.want = append(j.want, string(sinktest.WantOf(fmt.Sprintf("db%d", i), w)))
	}
	var err error
	if j.compare, err = frame.Parse(o.compress); err != nil {
		t.Fatal(err)
	}
	return j
}

// run continues from what the state holds.
func (j *journey) run() error {
	o := encode.Options{
		Format: sinktest.Lines(), Compression: j.compare, Workers: 2, Start: maps.Clone(j.start), Save: j.save, Fences: true, Stop: j.stop,
	}
	roll := sink.Roll{Size: 1500}
	if j.hive {
		roll.Hive = time.UTC
		o.Hive = time.UTC
	}
	to, err := output.Open(sink.Options{
		Target: j.path, Ext: ".jsonl" + j.compare.Ext(), Compressed: j.compare != frame.Compression{}, Roll: roll, Disk: j.mem, Resume: true, Note: j.note, Owner: "state",
		Warn: j.warn, Waits: j.waits, Stop: j.stop,
	})
	if err != nil {
		return err
	}
	source := &sinktest.InTurn{}
	for _, l := range j.logs {
		from := l.Start()
		if mark, ok := j.start[l.ID()]; ok {
			from = mark.Position
		}
		p := l.Chunks(from, l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})
		sinktest.PlanOf(j.t, p)
		source.Plans = append(source.Plans, p)
	}
	_, err = encode.Run(j.t.Context(), source, to, o)
	return err
}

func (j *journey) warn(text string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.warned = append(j.warned, text)
}

// save is a state that is as durable as can be; a process that has crashed saves nothing.
func (j *journey) save(c encode.Checkpoint) error {
	if j.mem.Crashed() {
		return vfstest.ErrCrashed
	}
	j.start, j.note = c.Marks, c.Note
	j.saves++
	return nil
}

// look remembers the parts that a consumer can see, and compares those that he has seen before.
func (j *journey) look(when string) {
	j.t.Helper()
	for name, data := range j.mem.Files() {
		if strings.HasPrefix(filepath.Base(name), ".") || !strings.HasSuffix(j.path, "/") {
			continue
		}
		if was, ok := j.seen[name]; ok && was != data {
			j.t.Fatalf("%v, %s: %s has changed after it was seen", &j.target, when, name)
		}
		j.seen[name] = data
		sinktest.Unpack(j.t, j.compress, [][]byte{[]byte(data)})
	}
}

// check compares all that was written with what should have been.
func (j *journey) check(when string) {
	j.t.Helper()
	j.look(when)
	files := j.mem.Files()
	var all []byte
	for _, name := range slices.SortedFunc(maps.Keys(files), func(a, b string) int {
		return strings.Compare(filepath.Base(a), filepath.Base(b))
	}) {
		base := filepath.Base(name)
		if strings.HasSuffix(base, ".part") {
			j.t.Fatalf("%v, %s: %s is left", &j.target, when, name)
		}
		if !strings.HasPrefix(base, ".pikabin.") {
			all = append(all, sinktest.Unpack(j.t, j.compress, [][]byte{[]byte(files[name])})...)
		}
	}
	for i, got := range sinktest.LogByLog(all, len(j.want)) {
		if j.hive {
			got, j.want[i] = sortLines(got), sortLines(j.want[i])
		}
		if got != j.want[i] {
			j.t.Fatalf("%v, %s, db%d: %s", &j.target, when, i, sinktest.FirstDifference([]byte(got), []byte(j.want[i])))
		}
	}
}

func sortLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

// TestKeepersWithoutTrouble is what the others are compared with.
func TestKeepersWithoutTrouble(t *testing.T) {
	logs, writers := sinktest.HourlyLogs(t)
	for _, o := range outputs() {
		j := newJourney(t, o, logs, writers)
		if err := j.run(); err != nil {
			t.Fatal(err)
		}
		j.check("at the end")
		before := j.mem.Files()
		if err := j.run(); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, j.mem.Files()); diff != "" {
			t.Errorf("%v, with nothing new: %s", &o, diff)
		}
		if parts := len(j.seen); strings.HasSuffix(o.path, "/") && parts < 4 {
			t.Errorf("%v: %d parts", &o, parts)
		}
	}
}

// TestKeepersCrash ends the process at any system call, and continues with what a crash, or a power failure, has left: every
// record is there once, and no part has changed that somebody has seen.
func TestKeepersCrash(t *testing.T) {
	for i, o := range outputs() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			logs, writers := sinktest.HourlyLogs(t)
			whole := newJourney(t, o, logs, writers)
			if err := whole.run(); err != nil {
				t.Fatal(err)
			}
			for _, k := range whole.share(i) {
				j := newJourney(t, o, logs, writers)
				j.mem.Inject(vfstest.Fault{At: k, Crash: true, Err: vfstest.ErrCrashed, Short: k%2 == 0})
				_ = j.run() // it has crashed, or the crash came too late
				crashed := j.mem
				crashed.Inject(vfstest.Fault{})
				j.goOn(crashed.Restart(), fmt.Sprintf("crash at call %d", k))
				j.goOn(afterPowerLoss(crashed, k), fmt.Sprintf("power failure at call %d", k))
			}
		})
	}
}

// share is every third of the calls of a run. Outputs that differ in their compression alone make the same calls, and share them.
func (j *journey) share(i int) []int {
	var calls []int
	for k := 1 + i/3; k <= len(j.mem.Calls()); k += 3 {
		calls = append(calls, k)
	}
	return calls
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

// goOn runs on a copy of the journey with what is left of the disk.
func (j *journey) goOn(left *vfstest.Mem, when string) {
	j.t.Helper()
	next := *j
	next.mem, next.start, next.seen = left, maps.Clone(j.start), maps.Clone(j.seen)
	next.want = slices.Clone(j.want)
	next.waits, next.stop = nil, nil
	next.look(when)
	if err := next.run(); err != nil {
		j.t.Fatalf("%v, %s: %v", &j.target, when, err)
	}
	next.check(when)
}

// TestKeepersFail lets any system call fail once: the run ends with an error and the next one continues, or it was of no
// consequence.
func TestKeepersFail(t *testing.T) {
	for i, o := range outputs() {
		t.Run(o.String(), func(t *testing.T) {
			t.Parallel()
			logs, writers := sinktest.HourlyLogs(t)
			whole := newJourney(t, o, logs, writers)
			if err := whole.run(); err != nil {
				t.Fatal(err)
			}
			for _, k := range whole.share(i) {
				j := newJourney(t, o, logs, writers)
				j.mem.Inject(vfstest.Fault{At: k, Err: syscall.EIO, Short: k%2 == 0})
				err := j.run()
				if err != nil && !errors.Is(err, syscall.EIO) {
					t.Fatalf("%v, call %d: %v", &o, k, err)
				}
				j.mem.Inject(vfstest.Fault{})
				j.goOn(j.mem.Restart(), fmt.Sprintf("an error at call %d (%v)", k, err))
			}
		})
	}
}

// TestKeepersOfAnotherOutput refuse what the state does not know.
func TestKeepersOfAnotherOutput(t *testing.T) {
	logs, writers := sinktest.HourlyLogs(t)
	file, folder := target{path: "out.jsonl", compress: "none"}, target{path: "out/", compress: "none"}
	for name, c := range map[string]struct {
		target
		change func(j *journey)
		want   string
	}{
		"a file that is there": {file, func(j *journey) { j.note, j.start = nil, nil }, "the state is a new one"},
		"a file that is gone":  {file, func(j *journey) { _ = j.mem.Remove("out.jsonl") }, "it is not there"},
		"a file that is short": {file, func(j *journey) { j.mem.WriteFile("out.jsonl", []byte("x")) }, "it has 1"},
		"a file of others": {file, func(j *journey) {
			j.mem.WriteFile("out.jsonl", bytes.Repeat([]byte("x"), len(j.mem.Files()["out.jsonl"])))
		}, "others than these"},
		"parts that are there": {folder, func(j *journey) { j.note, j.start = nil, nil }, "the state is a new one"},
		"a folder in use":      {folder, func(j *journey) { _, _ = j.mem.Lock("out/.pikabin.lock") }, "by another process"},
		"a note of others":     {folder, func(j *journey) { j.note = []byte(`[1]`) }, "the state's note"},
	} {
		j := newJourney(t, c.target, logs, writers)
		if err := j.run(); err != nil {
			t.Fatal(err)
		}
		c.change(j)
		before := j.mem.Files()
		if err := j.run(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if after := j.mem.Files(); !maps.Equal(before, after) {
			t.Errorf("%s: the files have changed", name)
		}
	}
}

// TestFolderKeepsWhatIsNotItsOwn removes leftovers of its own, and nothing else.
func TestFolderKeepsWhatIsNotItsOwn(t *testing.T) {
	logs, writers := sinktest.HourlyLogs(t)
	j := newJourney(t, target{path: "out/", compress: "none"}, logs, writers)
	others := []string{"out/.hidden", "out/.x.part", "out/notes.txt", "out/.db0-12-4096.jsonl.part"}
	for _, name := range others {
		j.mem.WriteFile(name, []byte("mine"))
	}
	own := "out/.db0-0000000012-000000004096.jsonl.part"
	j.mem.WriteFile(own, []byte("left"))
	if err := j.run(); err != nil {
		t.Fatal(err)
	}
	files := j.mem.Files()
	for _, name := range others {
		if files[name] != "mine" {
			t.Errorf("%s is gone", name)
		}
	}
	if _, ok := files[own]; ok {
		t.Errorf("%s is still there", own)
	}
}

// TestPartsBeginWithTheirDB makes every part of a format that needs it say whose it is.
func TestPartsBeginWithTheirDB(t *testing.T) {
	logs, _ := sinktest.HourlyLogs(t)
	format, _ := formats.Lookup("resp")
	for _, compress := range []string{"none", "zstd"} {
		c, err := frame.Parse(compress)
		if err != nil {
			t.Fatal(err)
		}
		mem := vfstest.New()
		to, err := output.Open(sink.Options{Target: "out/", Ext: format.Ext + c.Ext(), Roll: sink.Roll{Size: 1 << 16}, Disk: mem})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := encode.Run(t.Context(), sinktest.PlansInTurn(t, logs, 1<<16), to, encode.Options{Format: format, Compression: c}); err != nil {
			t.Fatal(err)
		}
		parts := 0
		for name, data := range mem.Files() {
			if strings.HasPrefix(filepath.Base(name), ".") {
				continue
			}
			parts++
			text := string(sinktest.Unpack(t, compress, [][]byte{[]byte(data)}))
			selects := strings.Count(text, "SELECT")
			if want := strings.HasPrefix(filepath.Base(name), "db1"); want != strings.HasPrefix(text, "*2\r\n$6\r\nSELECT\r\n$1\r\n1\r\n") || want != (selects == 1) {
				t.Errorf("%s: %d selects, begins with %.30q", name, selects, text)
			}
		}
		if parts < 4 {
			t.Errorf("%d parts", parts)
		}
	}
}

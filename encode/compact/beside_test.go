package compact_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/compact"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

// tail is a run that writes events of three hours into out, and its state.
type tail struct {
	t    *testing.T
	rng  *rand.Rand
	fsys vfs.FS
	sink sink.Resumable

	at    int64           // where in the log it is
	note  any             // of the last flush
	noted int64           // where it was then
	saved json.RawMessage // what the state holds
	began int64           // where that continues
}

func newTail(t *testing.T, seed uint64, fsys vfs.FS) *tail {
	t.Helper()
	tail := &tail{t: t, rng: rand.New(rand.NewPCG(seed, 3)), fsys: fsys}
	tail.open()
	return tail
}

// open continues where the state says.
func (l *tail) open() {
	l.t.Helper()
	to, err := sinktest.Open(l.t, folder.Type, "out/", map[string]string{"partition": "hive", "success-file": "true"}, sink.Env{
		Ext: ".jsonl", Disk: l.fsys, Resume: true, Note: l.saved, State: "state", Live: true,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.sink, l.at, l.note = to.Sink.(sink.Resumable), l.began, nil
}

// event is what is at a place of the log, the same each time.
func event(at int64) (hour int64, line string) {
	return 1_700_000_000/3600*3600 + at*7919%3*3600, fmt.Sprintf(`{"db":"db0","segment":0,"offset":%d,"op":"set","key":"k"}`+"\n", at)
}

func (l *tail) write() {
	l.t.Helper()
	hour, line := event(l.at)
	b := &sink.Batch{Log: &decode.Log{DB: "db0", Slot: -1}, Data: []byte(line), Begin: decode.Position{Offset: l.at}, End: decode.Position{Offset: l.at + 1}}
	b.Pieces = []sink.Piece{{Hour: hour, Last: hour, Begin: b.Begin, Data: b.Data}}
	l.sink.Write(l.t.Context(), b, func(error) {}) // what it says comes with Flush, too
	l.at++
}

// flush takes a note, and completes all parts or none.
func (l *tail) flush(m sink.Moment) {
	l.t.Helper()
	var err error
	if l.note, err = l.sink.Flush(l.t.Context(), m); err != nil {
		l.t.Fatal(err)
	}
	l.noted = l.at
}

// save keeps the note, and may crash before it is told.
func (l *tail) save(tell bool) {
	l.t.Helper()
	if l.note == nil {
		return
	}
	text, err := json.Marshal(l.note)
	if err != nil {
		l.t.Fatal(err)
	}
	l.saved, l.began = text, l.noted
	if !tell {
		return
	}
	if err := l.sink.Saved(l.t.Context(), l.note); err != nil {
		l.t.Fatal(err)
	}
	l.note = nil
}

// TestBesideARun does what a run and merges may do, in random order, with crashes of both: no run ever misses a part, and readers find no event
// twice, and in the end each.
func TestBesideARun(t *testing.T) {
	merges := 0
	for seed := range sample.Count(uint64(60), 10) {
		mem := vfstest.New()
		l := newTail(t, seed, mem)
		for range 60 {
			switch l.rng.IntN(10) {
			case 0, 1, 2, 3:
				l.write()
			case 4, 5:
				l.flush([]sink.Moment{sink.Passing, sink.Roll}[l.rng.IntN(2)])
				l.save(true)
			case 6:
				l.flush(sink.Roll)
				l.save(false) // and what is complete is not shown
				mem = crash(l, mem)
			case 7:
				mem = crash(l, mem)
			case 8:
				for _, p := range mergedBeside(t, mem, nil) {
					merges += p.Parts - p.Merged
				}
			default:
				mem.Inject(vfstest.Fault{At: 1 + l.rng.IntN(60), Crash: true})
				_, _ = run(t, mem, nil)
				mem.Inject(vfstest.Fault{})
				mem = crash(l, mem)
			}
			once(t, seed, l, mem)
		}
		l.flush(sink.End)
		l.save(true)
		if n := once(t, seed, l, mem); n != l.at {
			t.Fatalf("seed %d: %d of %d events", seed, n, l.at)
		}
		if err := l.sink.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if merges == 0 {
		t.Error("nothing was merged")
	}
}

// mergedBeside merges what can be merged while a run has parts that are not shown.
func mergedBeside(t *testing.T, fsys vfs.FS, change func(o *compact.Options)) map[string]compact.Outcome {
	t.Helper()
	outcomes, err := run(t, fsys, change)
	if err != nil {
		t.Fatal(err)
	}
	for dir, p := range outcomes {
		if p.Why != nil && !p.Waits {
			t.Fatalf("%s: %v", dir, p.Why)
		}
	}
	return outcomes
}

// crash ends the process of a run, and at times the power, and begins another one.
func crash(l *tail, mem *vfstest.Mem) *vfstest.Mem {
	l.t.Helper()
	mem.Inject(vfstest.Fault{At: 1, Crash: true})
	l.sink.Close(l.t.Context())
	mem.Inject(vfstest.Fault{})
	left := mem.Restart()
	if l.rng.IntN(2) == 0 {
		left = powerLoss(mem, l.rng.IntN(17))
	}
	l.fsys = left
	l.open()
	return left
}

// once refuses what readers find twice, or what was not written, and gives how many events they find.
func once(t *testing.T, seed uint64, l *tail, mem *vfstest.Mem) int64 {
	t.Helper()
	all := events(t, mem.Files())
	if n := len(slices.Compact(slices.Clone(all))); n != len(all) {
		t.Fatalf("seed %d, at %d: %d events are there twice", seed, l.at, len(all)-n)
	}
	return int64(len(all))
}

// TestReaders list and read a table while its partitions are exchanged: they find each event once, or that a file has gone, and list once more.
func TestReaders(t *testing.T) {
	t.Chdir(t.TempDir())
	fsys := vfs.OS{}
	l := newTail(t, 1, fsys)
	stop, read := make(chan struct{}), make(chan int)
	for range 2 {
		go readers(t, stop, read)
	}
	swaps := 0
	for range sample.Count(6, 3) {
		for range 9 {
			l.write()
			l.flush(sink.Roll)
			l.save(true)
		}
		for _, p := range mergedBeside(t, fsys, func(o *compact.Options) { o.Now = time.Now }) {
			if p.Parts > p.Merged {
				swaps++
			}
		}
	}
	close(stop)
	reads := <-read + <-read
	if err := l.sink.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if swaps == 0 || reads == 0 {
		t.Errorf("%d reads beside %d swaps", reads, swaps)
	}
	t.Logf("%d reads beside %d swaps", reads, swaps)
}

// readers look at one partition after the other, in the order of the log: what was in it a moment ago is in it once, and more.
func readers(t *testing.T, stop <-chan struct{}, read chan<- int) {
	t.Helper()
	reads, least := 0, map[string]int{}
	defer func() { read <- reads }()
	for {
		select {
		case <-stop:
			return
		default:
		}
		dirs, _ := filepath.Glob("out/db=db0/dt=*/hr=*")
		for _, dir := range dirs {
			n, err := readPartition(dir)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			reads++
			if err != nil || n < least[dir] {
				t.Errorf("%s has %d events, and had %d: %v", dir, n, least[dir], err)
				return
			}
			least[dir] = n
		}
	}
}

// readPartition reads all parts that a listing has, and gives how many events are in them.
func readPartition(dir string) (int, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0, err
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if _, ok := folder.ParsePartName(e.Name()); !ok {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(string(data)) {
			if seen[line] {
				return 0, fmt.Errorf("%s twice", line)
			}
			seen[line] = true
		}
	}
	return len(seen), nil
}

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/vfs"
	"pikabin/encode/vfs/vfstest"
)

const testPath = "/var/state"

// sample is a state that can be told from those of other numbers.
func sample(n int) State {
	return State{
		Source: []string{"/data/pika/log"}, Output: "/backup/changes/", Format: "jsonl", Compression: "zstd",
		DBs: map[string]Mark{
			"db0":   {Position: decode.Position{Segment: 12, Offset: int64(n)}, Epoch: 1, Fence: decode.Fence{Bytes: decode.Sum{1, byte(n)}}},
			"db1/3": {Position: decode.Position{Segment: uint32(n)}, Fence: decode.Fence{Bytes: decode.Sum{2}, Record: 4000, Content: decode.Sum{3}}},
		},
		Note: json.RawMessage(fmt.Sprintf(`{"parts":[{"name":"a<b","length":%d}]}`, n)),
	}
}

// saved is what sample becomes by a save.
func saved(n int, saves uint64) State {
	s := sample(n)
	s.Schema, s.Saves = localSchema, saves
	return s
}

func openOnMem(t *testing.T, m vfs.FS) *File {
	t.Helper()
	f, err := OpenOn(m, testPath)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func save(t *testing.T, f *File, n int) {
	t.Helper()
	if err := f.Save(sample(n)); err != nil {
		t.Fatal(err)
	}
}

// compact takes the layout out of a note.
func compact(t *testing.T, s State) State {
	t.Helper()
	if s.Note != nil {
		note, err := json.Marshal(s.Note)
		if err != nil {
			t.Fatal(err)
		}
		s.Note = note
	}
	return s
}

// sameState compares without the layout of the note.
func sameState(t *testing.T, got, want State) string {
	t.Helper()
	return cmp.Diff(compact(t, want), compact(t, got))
}

// found reads the state as the next process does: saved(n, n) for a number that it returns.
func found(t *testing.T, m *vfstest.Mem) int {
	t.Helper()
	f := openOnMem(t, m)
	s, ok := f.State()
	n := int(s.DBs["db0"].Position.Offset)
	if !ok {
		return 0
	}
	if diff := sameState(t, s, saved(n, uint64(n))); diff != "" {
		t.Fatalf("not whole: %s", diff)
	}
	for name := range m.Files() {
		if strings.HasSuffix(name, ".tmp") {
			t.Errorf("%s is left over", name)
		}
	}
	return n
}

// linkless is a file system without links.
type linkless struct{ *vfstest.Mem }

func (linkless) Link(string, string) error { return errors.ErrUnsupported }

// disks are the file systems to save on.
func disks() map[string]func(m *vfstest.Mem) vfs.FS {
	return map[string]func(m *vfstest.Mem) vfs.FS{
		"with links":    func(m *vfstest.Mem) vfs.FS { return m },
		"without links": func(m *vfstest.Mem) vfs.FS { return linkless{m} },
	}
}

// TestSaveAtEveryCall lets each system call of a save fail, write short, be the first of which all fail, be the last one of the
// process, or the last one before a power failure: the state is then the old one or the new one, and the new one for sure if Save said so.
func TestSaveAtEveryCall(t *testing.T) {
	for _, fault := range []vfstest.Fault{
		{Err: syscall.ENOSPC},
		{Err: syscall.EIO},
		{Err: syscall.ENOSPC, Short: true},
		{Err: syscall.EROFS, Lasting: true},
		{Crash: true},
		{Err: syscall.EIO, Short: true, Crash: true},
	} {
		for disk, on := range disks() {
			for before := range 3 {
				t.Run(fmt.Sprintf("%+v/%s/save %d", fault, disk, before+1), func(t *testing.T) {
					saveAtEveryCall(t, on, before, fault)
				})
			}
		}
	}
}

func saveAtEveryCall(t *testing.T, on func(*vfstest.Mem) vfs.FS, before int, fault vfstest.Fault) {
	t.Helper()
	for fault.At = 1; ; fault.At++ {
		m := vfstest.New()
		f := openOnMem(t, on(m))
		for n := range before {
			save(t, f, n+1)
		}
		m.Inject(fault)
		err := f.Save(sample(before + 1))
		calls := m.Calls()
		m.Inject(vfstest.Fault{})
		check := func(how string, m *vfstest.Mem, err error) {
			t.Helper()
			if n := found(t, m); n != before+1 && (err == nil || n != before) {
				t.Fatalf("%s, after %q (%v): found %d", how, calls, err, n)
			}
			if previous := m.Files()[testPath+previousSuffix]; err == nil && before > 0 && !strings.Contains(previous, fmt.Sprintf(`"saves": %d,`, before)) {
				t.Fatalf("%s, after %q: the generation before is %q", how, calls, previous)
			}
		}
		check("restart", m.Restart(), err)
		for lost := range m.PowerLoss() {
			check("power failure", lost, err)
		}
		if !m.Crashed() {
			saveAgain(t, f, m, before+1)
		}
		if len(calls) < fault.At {
			return
		}
		if err == nil && !strings.HasPrefix(calls[fault.At-1], "link") {
			t.Fatalf("no error after %q", calls)
		}
	}
}

// saveAgain is the next save after a failed one. Of how many saves it is the last does not matter.
func saveAgain(t *testing.T, f *File, m *vfstest.Mem, n int) {
	t.Helper()
	f.state.Saves = uint64(n - 1)
	save(t, f, n)
	for lost := range m.PowerLoss() {
		if got := found(t, lost); got != n {
			t.Fatalf("after another save: found %d, want %d", got, n)
		}
	}
}

// TestSaveCalls is the order on which all rests.
func TestSaveCalls(t *testing.T) {
	m := vfstest.New()
	f := openOnMem(t, m)
	save(t, f, 1)
	m.Inject(vfstest.Fault{})
	save(t, f, 2)
	want := []string{
		"open state.tmp", "write state.tmp", "sync state.tmp", "close state.tmp",
		"link state state.prev.tmp", "rename state.prev.tmp state.prev",
		"rename state.tmp state", "syncdir var",
	}
	if diff := cmp.Diff(want, m.Calls()); diff != "" {
		t.Error(diff)
	}
}

// TestOpenAtEveryCall: an Open that fails harms nothing, and one that succeeds has read the state.
func TestOpenAtEveryCall(t *testing.T) {
	for at := 1; ; at++ {
		m := vfstest.New()
		f := openOnMem(t, m)
		save(t, f, 1)
		save(t, f, 2)
		m = m.Restart()
		m.Inject(vfstest.Fault{At: at, Err: syscall.EIO})
		f, err := OpenOn(m, testPath)
		calls := m.Calls()
		if err == nil {
			if s, _ := f.State(); s.Saves != 2 {
				t.Fatalf("after %q: %+v", calls, s)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		m.Inject(vfstest.Fault{})
		if n := found(t, m.Restart()); n != 2 {
			t.Fatalf("after %q: found %d", calls, n)
		}
		if len(calls) < at {
			return
		}
	}
}

// TestLeftovers of a crash are cleared away, and never taken for a state.
func TestLeftovers(t *testing.T) {
	m := vfstest.New()
	m.WriteFile(testPath+".tmp", []byte("half"))
	m.WriteFile(testPath+".prev.tmp", []byte("half"))
	if n := found(t, m); n != 0 {
		t.Errorf("found %d", n)
	}
}

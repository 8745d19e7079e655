package folder_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// visit is one run into a folder, by a state.
type visit struct {
	t    *testing.T
	mem  *vfstest.Mem
	sink sink.Resumable
}

func openFolder(t *testing.T, mem *vfstest.Mem, state string, note json.RawMessage) (*visit, error) {
	t.Helper()
	to, err := sinktest.Open(t, folder.Type, "out/", nil, sink.Env{Ext: ".jsonl", Disk: mem, Resume: state != "", State: state, Note: note})
	if err != nil {
		return nil, err
	}
	return &visit{t: t, mem: mem, sink: to.Sink.(sink.Resumable)}, nil
}

func (v *visit) write(log *decode.Log, at int64, data string) {
	v.t.Helper()
	v.sink.Write(v.t.Context(), &sink.Batch{Log: log, Data: []byte(data), Begin: decode.Position{Offset: at}}, func(error) {})
}

// save gives the note that the state then holds.
func (v *visit) save(complete bool) json.RawMessage {
	v.t.Helper()
	n, err := v.sink.Flush(v.t.Context(), moment(complete))
	if err != nil {
		v.t.Fatal(err)
	}
	if err := v.sink.Saved(v.t.Context(), n); err != nil {
		v.t.Fatal(err)
	}
	note, err := json.Marshal(n)
	if err != nil {
		v.t.Fatal(err)
	}
	return note
}

// moment is when parts are complete, or are not.
func moment(complete bool) sink.Moment {
	if complete {
		return sink.End
	}
	return sink.Passing
}

func (v *visit) close() {
	v.t.Helper()
	if err := v.sink.Close(v.t.Context()); err != nil {
		v.t.Fatal(err)
	}
}

// TestOlderStates puts back each of the notes of several runs: one that knows all parts that can be seen continues, and none that does not.
func TestOlderStates(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	log := &decode.Log{DB: "db0", Slot: -1}
	for range 50 {
		mem := vfstest.New()
		var notes []json.RawMessage
		var shown []int // how many parts could be seen then
		var note json.RawMessage
		for run := range int64(5) {
			v, err := openFolder(t, mem, "state", note)
			if err != nil {
				t.Fatal(err)
			}
			v.write(log, run*100, "event\n")
			note = v.save(random.IntN(2) == 0)
			v.close()
			notes, shown = append(notes, note), append(shown, parts(mem, false))
		}
		for i := range notes {
			v, err := openFolder(t, mem, "state", notes[i])
			older, ok := errors.AsType[*sink.OlderStateError](err)
			if isOlder := shown[i] < shown[len(shown)-1]; isOlder != (ok && older != nil) || !isOlder && err != nil {
				t.Fatalf("state %d of parts %v: %v", i, shown, err)
			}
			if v != nil {
				v.close()
				break // what is open has been cut to this state
			}
		}
	}
}

// parts counts those that can be seen, or that are hidden.
func parts(mem *vfstest.Mem, hidden bool) (n int) {
	for name := range mem.Files() {
		if strings.HasSuffix(name, ".jsonl") && !hidden || strings.HasSuffix(name, ".part") && hidden {
			n++
		}
	}
	return n
}

// TestPartsOfAnotherState are refused, and none is removed, whether the other run has a state of its own or none.
func TestPartsOfAnotherState(t *testing.T) {
	mem := vfstest.New()
	log := &decode.Log{DB: "db0", Slot: -1}
	v, err := openFolder(t, mem, "state", nil)
	if err != nil {
		t.Fatal(err)
	}
	v.write(log, 0, "event\n")
	note := v.save(false)
	v.close()
	before := mem.Files()
	for _, state := range []string{"", "another"} {
		var wrong *sink.TargetError
		if _, err := openFolder(t, mem, state, nil); !errors.As(err, &wrong) || !maps.Equal(before, mem.Files()) {
			t.Errorf("state %q: %v, files %v", state, err, slices.Sorted(maps.Keys(mem.Files())))
		}
	}
	if v, err = openFolder(t, mem, "state", note); err != nil {
		t.Fatal(err)
	}
	v.save(true)
	if parts(mem, false) != 1 || parts(mem, true) != 0 {
		t.Errorf("files %v", slices.Sorted(maps.Keys(mem.Files())))
	}
}

// TestPartsThatAreMoved under a run are not counted as delivered, whether nothing or another file is in their place.
func TestPartsThatAreMoved(t *testing.T) {
	for name, move := range map[string]func(mem *vfstest.Mem, path string) error{
		"removed": func(mem *vfstest.Mem, path string) error { return mem.Remove(path) },
		"renamed": func(mem *vfstest.Mem, path string) error { return mem.Rename(path, "old") },
		"replaced": func(mem *vfstest.Mem, path string) error {
			mem.WriteFile("other", []byte("event\n"))
			return mem.Rename("other", path)
		},
	} {
		for _, complete := range []bool{false, true} {
			mem := vfstest.New()
			v, err := openFolder(t, mem, "state", nil)
			if err != nil {
				t.Fatal(err)
			}
			v.write(&decode.Log{DB: "db0", Slot: -1}, 0, "event\n")
			for path := range mem.Files() {
				if strings.HasSuffix(path, ".part") {
					if err := move(mem, path); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, err = v.sink.Flush(t.Context(), moment(complete))
			if moved, ok := errors.AsType[*sink.MovedError](err); !ok || moved == nil {
				t.Errorf("%s, complete %v: %v", name, complete, err)
			}
			v.close()
		}
	}
}

// TestPartNamesAreOfOneLog gives each of many logs, with names that look like slots, epochs and hidden files, a part of its own.
func TestPartNamesAreOfOneLog(t *testing.T) {
	mem := vfstest.New()
	v, err := openFolder(t, mem, "state", nil)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, db := range []string{
		"db0", "db0_3", "db0_3_3", "db0_", "db0%5F3", "db0%", "db0%255F3", ".db0", "..", "db0-e0001", "db0-e0001_3", "db0_3-e0001", "-e0001", "\u7528", "\u7528\xff", "\u7528%FF", "a b",
		"db0-0000000000-000000000000.jsonl",
	} {
		for slot := -1; slot < 4; slot++ {
			for epoch := range uint32(2) {
				v.sink.Write(t.Context(), &sink.Batch{Log: &decode.Log{DB: db, Slot: slot}, Epoch: epoch, Data: fmt.Appendf(nil, "%d\n", n)}, func(err error) {
					if err != nil {
						t.Fatal(err)
					}
				})
				n++
			}
		}
	}
	v.save(true)
	seen := map[string]bool{}
	for name, data := range mem.Files() {
		if strings.HasSuffix(name, ".jsonl") && !strings.HasPrefix(name, "out/.") {
			seen[data] = true
		}
	}
	if len(seen) != n {
		t.Errorf("%d logs have %d parts", n, len(seen))
	}
}

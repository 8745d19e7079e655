package folder_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// host writes a folder in its turn, by a state that several hosts share.
type host struct {
	t    *testing.T
	mem  *vfstest.Mem
	part sink.Resumable
	log  *decode.Log
	done int // batches that are counted
	note any
}

// sharedHost opens the folder on a disk for a term, as a state says.
func sharedHost(t *testing.T, mem *vfstest.Mem, name string, term uint64, note json.RawMessage, more ...string) *host {
	t.Helper()
	settings := map[string]string{"roll-size": "10"}
	for i := 0; i+1 < len(more); i += 2 {
		settings[more[i]] = more[i+1]
	}
	to, err := sinktest.Open(t, folder.Type, "out/", settings, sink.Env{Ext: ".txt", Disk: mem, Resume: true, Note: note, State: "etcd:/state", Term: term, Host: name})
	if err != nil {
		t.Fatal(err)
	}
	return &host{t: t, mem: mem, part: to.Sink.(sink.Resumable), log: &decode.Log{DB: "db0", Slot: -1}}
}

// write writes what begins at an offset.
func (h *host) write(offset int64, data string) {
	h.t.Helper()
	b := &sink.Batch{Log: h.log, Data: []byte(data), Begin: decode.Position{Offset: offset}, End: decode.Position{Offset: offset + int64(len(data))}}
	h.part.Write(h.t.Context(), b, func(err error) {
		if err == nil {
			h.done++
		}
	})
}

// flush gives the note that a state would hold.
func (h *host) flush(m sink.Moment) json.RawMessage {
	h.t.Helper()
	var err error
	if h.note, err = h.part.Flush(h.t.Context(), m); err != nil {
		h.t.Fatal(err)
	}
	text, err := json.Marshal(h.note)
	if err != nil {
		h.t.Fatal(err)
	}
	return text
}

func (h *host) saved() {
	h.t.Helper()
	if err := h.part.Saved(h.t.Context(), h.note); err != nil {
		h.t.Fatal(err)
	}
}

// sees compares the files of a disk, but for those that say whose they are.
func sees(t *testing.T, mem *vfstest.Mem, when string, want ...string) {
	t.Helper()
	files := mem.Files()
	maps.DeleteFunc(files, func(name, _ string) bool { return strings.HasPrefix(name, "out/.pikabin.") })
	var have []string
	for _, name := range slices.Sorted(maps.Keys(files)) {
		have = append(have, strings.TrimPrefix(name, "out/")+" "+files[name])
	}
	slices.Sort(want)
	slices.Sort(have)
	if !slices.Equal(have, want) {
		t.Errorf("%s: there are\n%s\nwant\n%s", when, strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
}

func name(offset int) string { return fmt.Sprintf("db0-0000000000-%012d.txt", offset) }
func hiddenName(offset, term int) string {
	return fmt.Sprintf(".db0-0000000000-%012d.txt.t%d.part", offset, term)
}

// TestWholeParts: a state that hosts share counts nothing of a part that is open, and a part is shown after the state counts it.
func TestWholeParts(t *testing.T) {
	mem := vfstest.New()
	h := sharedHost(t, mem, "a", 3, nil)
	h.write(0, "12345")
	before := h.flush(sink.Passing)
	if h.done != 0 || strings.Contains(string(before), "complete") {
		t.Errorf("%d batches are counted: %s", h.done, before)
	}
	h.saved()
	h.write(5, "67890")
	h.write(10, "open")
	counted := h.flush(sink.Passing)
	if h.done != 3 {
		t.Errorf("%d batches are counted, which are in parts that are complete", h.done)
	}
	sees(t, mem, "before the save", hiddenName(0, 3)+" 1234567890", hiddenName(10, 3)+" open")
	h.write(14, "more")
	if again := h.flush(sink.Passing); string(again) != string(counted) || h.done != 3 {
		t.Errorf("a save that failed is tried again with %s, counted was %s", again, counted)
	}
	h.saved()
	sees(t, mem, "after it", name(0)+" 1234567890", name(10)+" open", hiddenName(14, 3)+" more")
	if note := h.flush(sink.Passing); strings.Contains(string(note), "complete") {
		t.Errorf("what was shown is noted: %s", note)
	}
	h.flush(sink.End)
	h.saved()
	if err := h.part.Close(t.Context()); err != nil {
		t.Error(err)
	}
	sees(t, mem, "at the end", name(0)+" 1234567890", name(10)+" open", name(14)+" more")
}

// TestTakeover: the next run shows what is counted, removes what is not, and leaves alone what runs of later terms do. One that stood still may show
// once more what it had counted, and that is no other part.
func TestTakeover(t *testing.T) {
	mem := vfstest.New()
	old := sharedHost(t, mem, "a", 3, nil)
	old.write(0, "1234567890")
	counted := old.flush(sink.Passing)
	old.write(10, "not counted")
	later := "out/" + hiddenName(40, 9)
	mem.WriteFile(later, []byte("later"))
	next := sharedHost(t, mem, "b", 4, counted)
	sees(t, mem, "after the change", name(0)+" 1234567890", hiddenName(40, 9)+" later")
	next.write(10, "not counted, and more")
	next.flush(sink.Passing)
	next.saved()
	old.saved() // it wakes up, and does what it was about to do
	sees(t, mem, "after the old one has woken up", name(0)+" 1234567890", name(10)+" not counted, and more", hiddenName(40, 9)+" later")
	if _, err := old.part.Flush(t.Context(), sink.Passing); err == nil || old.done != 1 {
		t.Error("the old one counts a part that the new one has removed")
	}
	if err := next.part.Close(t.Context()); err != nil {
		t.Error(err)
	}
	_ = old.part.Close(t.Context())
}

// TestOwnDisks: each host has a folder of its own. What one had counted and not shown when it died it shows when it is back, while the other writes.
func TestOwnDisks(t *testing.T) {
	diskA, diskB := vfstest.New(), vfstest.New()
	a := sharedHost(t, diskA, "a", 3, nil)
	a.write(0, "1234567890")
	counted := a.flush(sink.Passing)
	b := sharedHost(t, diskB, "b", 4, counted)
	b.write(10, "and so on on b")
	b.flush(sink.Passing)
	b.saved()
	note := b.flush(sink.Passing)
	sees(t, diskB, "on b", name(10)+" and so on on b")
	if !strings.Contains(string(note), "left") {
		t.Errorf("what a has to show is not noted: %s", note)
	}
	back := sharedHost(t, diskA, "a", 5, note)
	sees(t, diskA, "on a", name(0)+" 1234567890")
	if note := back.flush(sink.Passing); strings.Contains(string(note), "left") {
		t.Errorf("what a has shown is noted still: %s", note)
	}
	for _, h := range []*host{b, back} {
		if err := h.part.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	_ = a.part.Close(t.Context())
}

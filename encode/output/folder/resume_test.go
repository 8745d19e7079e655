package folder_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// TestPartAtThePlaceOfAnother: the event of a gap and the record after it have one position. The part of the one, continued
// and complete but not yet shown, is not the part of the other.
func TestPartAtThePlaceOfAnother(t *testing.T) {
	mem := vfstest.New()
	log := &decode.Log{DB: "db0", Slot: -1}
	at := decode.Position{Segment: 3}
	var note json.RawMessage
	for _, data := range []string{"gap", "set"} {
		to, err := sinktest.Open(t, folder.Type, "out/", nil, sink.Env{Ext: ".jsonl", Disk: mem, Resume: true, Note: note})
		if err != nil {
			t.Fatal(err)
		}
		part := to.Sink.(sink.Resumable)
		flushed := func(at sink.Moment) any {
			n, err := part.Flush(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		moment := sink.Passing
		if note != nil {
			moment = sink.End
		}
		flushed(moment)
		part.Write(t.Context(), &sink.Batch{Log: log, Data: []byte(data), Begin: at}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		n := flushed(moment)
		if note != nil {
			if err := part.Saved(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if note, err = json.Marshal(n); err != nil {
			t.Fatal(err)
		}
		if err := part.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"out/db0-0000000003-000000000000.jsonl": "gap", "out/db0-0000000003-000000000000~1.jsonl": "set",
	}
	have := mem.Files()
	maps.DeleteFunc(have, func(name, _ string) bool { return strings.HasPrefix(name, "out/.pikabin.") })
	if diff := cmp.Diff(want, have); diff != "" {
		t.Error(diff)
	}
}

// TestPartsAtOnePlace: any number of events without a position of their own come before a record, each in a part of its own that is taken away
// as soon as it is there. With and without a state no name is given twice, and once the log is past them the state forgets them.
func TestPartsAtOnePlace(t *testing.T) {
	events := []string{"gap", "rewritten", "set"}
	want := map[string]string{
		"out/db0-0000000003-000000004096.jsonl": "gap", "out/db0-0000000003-000000004096~1.jsonl": "rewritten", "out/db0-0000000003-000000004096~2.jsonl": "set",
	}
	for _, resume := range []bool{false, true} {
		mem, seen := vfstest.New(), map[string]string{}
		var note json.RawMessage
		var part sink.Resumable
		for i, data := range events {
			if part == nil || resume {
				part = openPart(t, sink.Env{Ext: ".jsonl", Disk: mem, Resume: resume, Note: note})
			}
			b := &sink.Batch{Log: &decode.Log{DB: "db0", Slot: -1}, Data: []byte(data), Begin: decode.Position{Segment: 3, Offset: 4096}}
			if b.End = b.Begin; i == len(events)-1 {
				b.End.Offset += 100
			}
			note = rolled(t, part, b)
			takeAway(t, mem, seen)
			if resume || i == len(events)-1 {
				if err := part.Close(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("with a state %t: %s", resume, diff)
		}
		if strings.Contains(string(note), "given") {
			t.Errorf("the note remembers what is past: %s", note)
		}
	}
}

func openPart(t *testing.T, e sink.Env) sink.Resumable {
	t.Helper()
	to, err := sinktest.Open(t, folder.Type, "out/", nil, e)
	if err != nil {
		t.Fatal(err)
	}
	return to.Sink.(sink.Resumable)
}

// rolled writes a batch into a part, completes it, and gives the note.
func rolled(t *testing.T, to sink.Resumable, b *sink.Batch) json.RawMessage {
	t.Helper()
	to.Write(t.Context(), b, func(err error) {
		if err != nil {
			t.Error(err)
		}
	})
	n, err := to.Flush(t.Context(), sink.Roll)
	if err == nil {
		err = to.Saved(t.Context(), n)
	}
	if err != nil {
		t.Fatal(err)
	}
	note, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return note
}

// takeAway moves the parts that are shown out of the folder.
func takeAway(t *testing.T, mem *vfstest.Mem, seen map[string]string) {
	t.Helper()
	for name, data := range mem.Files() {
		if strings.HasPrefix(name, "out/.") {
			continue
		}
		if was, ok := seen[name]; ok {
			t.Errorf("%s is there a second time: %q, and %q before", name, data, was)
		}
		seen[name] = data
		if err := mem.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

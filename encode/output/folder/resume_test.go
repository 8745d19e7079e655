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
	"pikabin/encode/vfs/vfstest"
)

// TestPartAtThePlaceOfAnother: the event of a gap and the record after it have one position. The part of the one, gone on with
// and complete but not yet shown, is not the part of the other.
func TestPartAtThePlaceOfAnother(t *testing.T) {
	mem := vfstest.New()
	log := &decode.Log{DB: "db0", Slot: -1}
	at := decode.Position{Segment: 3}
	var note json.RawMessage
	for _, data := range []string{"gap", "set"} {
		to, err := folder.Type.Open(sink.Options{Target: "out/", Ext: ".jsonl", Disk: mem, Resume: true, Note: note})
		if err != nil {
			t.Fatal(err)
		}
		keeper := to.(sink.Keeper)
		flushed := func(complete bool) any {
			n, _, err := keeper.Flush(t.Context(), complete)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		flushed(note != nil)
		keeper.Write(t.Context(), &sink.Batch{Log: log, Data: []byte(data), Begin: at}, func(err error) {
			if err != nil {
				t.Error(err)
			}
		})
		n := flushed(note != nil)
		if note != nil {
			if err := keeper.Kept(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
		if note, err = json.Marshal(n); err != nil {
			t.Fatal(err)
		}
		if err := keeper.Close(t.Context()); err != nil {
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

package encode_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
)

// TestRunMessages describes each change to a sink that asks for it, and tells none of another DB.
func TestRunMessages(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "key", "v")
	w.Advance(3)
	w.Command("DEL", "", "b")
	w.Command("FLUSHDB")
	dir := t.TempDir()
	for _, db := range []string{"db0", "db1"} {
		if err := w.WriteDir(dir + "/log_" + db); err != nil {
			t.Fatal(err)
		}
	}
	to := &sinktest.Messages{}
	if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), sink.Opened{Sink: to, Traits: sink.Traits{Messages: true}}, encode.Options{Format: switching()}); err != nil {
		t.Fatal(err)
	}
	at := func(i int) decode.Position {
		return decode.Position{Segment: w.Records()[i].Segment, Offset: w.Records()[i].Offset}
	}
	one := []string{
		at(0).String() + ` 0/0 set string "key" true 1700000000`,
		at(1).String() + ` 0/2 delete  "" true 1700000003`,
		at(1).String() + ` 1/2 delete  "b" true 1700000003`,
		at(2).String() + ` 0/0 flush  "" false 1700000003`,
	}
	if diff := cmp.Diff(append(one, one...), to.Texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

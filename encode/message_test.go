package encode_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
)

// messages is a sink that keeps what it gets as messages.
type messages struct {
	collector
	values [][]byte
	texts  []string
}

func (s *messages) Write(_ context.Context, b *encode.Batch, done func(error)) {
	for _, m := range b.Messages {
		s.values = append(s.values, bytes.Clone(b.Data[m.Begin:m.End]))
		s.texts = append(s.texts, fmt.Sprintf("%v %d/%d %v %v %q %v %d", m.At, m.Part, m.Parts, m.Op, m.Type,
			b.Keys[m.KeyBegin:m.KeyEnd], m.HasKey, m.Time))
	}
	done(nil)
}

func (*messages) Messages() {}

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
	sink := &messages{}
	if _, err := encode.Run(t.Context(), sourceOf(t, find(t, dir), 1<<16), sink, encode.Options{Format: switching()}); err != nil {
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
	if diff := cmp.Diff(append(one, one...), sink.texts); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

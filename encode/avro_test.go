package encode_test

import (
	"testing"

	"github.com/twmb/avro"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// TestRunAvroMessages gives a sink of messages each record in the single-object encoding, and nothing of a file.
func TestRunAvroMessages(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "key", "v")
	w.Command("DEL", "a", "b")
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	format, _ := formats.Lookup("avro")
	to := &sinktest.Messages{}
	opened := sink.Opened{Sink: to, Traits: sink.Traits{Messages: true}}
	if _, err := encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), 1<<16), opened, encode.Options{Format: format}); err != nil {
		t.Fatal(err)
	}
	schema := avro.MustParse(format.Schema)
	var keys []string
	for _, value := range to.Values {
		var row any
		if _, err := schema.DecodeSingleObject(value, &row); err != nil {
			t.Fatal(err)
		}
		keys = append(keys, string(row.(map[string]any)["key"].([]byte)))
	}
	if len(keys) != 3 || keys[0] != "key" || keys[1] != "a" || keys[2] != "b" {
		t.Errorf("keys %q", keys)
	}
}

package kafka_test

import (
	"cmp"
	"path/filepath"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/kafka"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/formats"
)

// jsonl is the format that most tests of messages use.
func jsonl(t *testing.T) formats.Format {
	t.Helper()
	format, ok := formats.Lookup("jsonl")
	if !ok {
		t.Fatal("no jsonl")
	}
	return format
}

// written puts a log into a folder.
func written(t *testing.T, w *binlogtest.Writer) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// openKafka opens the sink for a target after the scheme.
func openKafka(t *testing.T, target string, e sink.Env) (sink.Opened, error) {
	t.Helper()
	o, ok, err := kafka.Type.Parse("kafka://"+target, nil)
	if err != nil || !ok {
		return sink.Opened{}, err
	}
	e.Content, e.Format = cmp.Or(e.Content, jsonl(t).ContentType), cmp.Or(e.Format, jsonl(t).Name)
	return o.Open(t.Context(), e)
}

// toKafka runs the logs under dir into Kafka.
func toKafka(t *testing.T, dir, target string, chunk int64, e sink.Env, o encode.Options) (encode.Result, error) {
	t.Helper()
	to, err := openKafka(t, target, e)
	if err != nil {
		return encode.Result{}, err
	}
	if o.Format.New == nil {
		o.Format = jsonl(t)
	}
	return encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), chunk), to, o)
}

// runKafka runs the logs under dir into a sink that is open.
func runKafka(t *testing.T, dir string, to sink.Opened, chunk int64) (encode.Result, error) {
	t.Helper()
	return encode.Run(t.Context(), sinktest.SourceOf(t, sinktest.Find(t, dir), chunk), to, encode.Options{Format: jsonl(t)})
}

package object_test

import (
	"strings"
	"testing"

	"pikabin/encode/output/object"
	"pikabin/encode/output/object/hdfstest"
	"pikabin/encode/output/object/scripted"
	"pikabin/encode/sinktest"
)

// hdfs is a server of tests as a store of the suite.
type hdfs struct{ *hdfstest.Server }

func newHDFS(t *testing.T) sinktest.Store {
	t.Helper()
	return hdfs{hdfstest.Start(t)}
}

// Target implements sinktest.Store.
func (h hdfs) Target() string { return h.Server.Target(prefix) }

// Files implements sinktest.Store. What is being written is no file of consumers yet.
func (h hdfs) Files() map[string]string {
	files := map[string]string{}
	for path, file := range h.Server.Files() {
		if !strings.Contains(path, "/.pikabin.tmp/") {
			files[strings.TrimPrefix(path, "/"+prefix)] = file.Content
		}
	}
	return files
}

// Fork implements sinktest.Store.
func (h hdfs) Fork(t *testing.T) sinktest.Store {
	t.Helper()
	return hdfs{h.Server.Fork(t)}
}

// Requests implements sinktest.Store.
func (h hdfs) Requests() int { return len(h.Calls()) }

// Fail implements sinktest.Store.
func (h hdfs) Fail(request, how int) string {
	ways := []scripted.Answer{hdfstest.SafeMode, hdfstest.Standby, hdfstest.Broken, hdfstest.Busy, hdfstest.Reset, hdfstest.LostAnswer}
	way := ways[how%len(ways)]
	h.Script(func(call int, _ string) scripted.Answer {
		if call != request {
			return scripted.Answer{}
		}
		return way
	})
	if way.Done {
		return "a lost answer"
	}
	return way.Code
}

// Crash implements sinktest.Store.
func (h hdfs) Crash(request int, done bool, crashed func()) {
	h.Script(func(call int, _ string) scripted.Answer {
		switch {
		case call < request:
			return scripted.Answer{}
		case call > request:
			return hdfstest.Reset
		}
		return scripted.Answer{Reset: true, Done: done, Before: crashed}
	})
}

// TestHDFSSuite is what every output has to do.
func TestHDFSSuite(t *testing.T) {
	flat := map[string]string{"roll-size": "1500"}
	for _, s := range []sinktest.Suite{
		{Settings: flat, Compress: "zstd"},
		{Settings: map[string]string{"roll-size": "1500", "partition": "hive"}, Live: true},
		{Settings: flat, Sealed: true},
		{Settings: map[string]string{"roll-size": "1500", "spool": "spool"}, Shared: true},
	} {
		if !*all {
			s.Most = 3
		}
		s.Type, s.Store, s.Unordered = object.HDFS, newHDFS, s.Settings["partition"] != ""
		s.Run(t)
	}
}

package object_test

import (
	"flag"
	"strings"
	"testing"

	"pikabin/encode/output/object"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

const prefix = "changes/pika/"

// bucket is a server of tests as a store of the suite.
type bucket struct{ *s3test.Server }

func newBucket(t *testing.T) sinktest.Store {
	t.Helper()
	return bucket{s3test.Start(t)}
}

// Target implements sinktest.Store.
func (b bucket) Target() string { return b.Server.Target(prefix, "") }

// Files implements sinktest.Store.
func (b bucket) Files() map[string]string {
	files := map[string]string{}
	for key, o := range b.Objects() {
		files[strings.TrimPrefix(key, prefix)] = string(o.Content)
	}
	return files
}

// Fork implements sinktest.Store.
func (b bucket) Fork(t *testing.T) sinktest.Store {
	t.Helper()
	return bucket{b.Server.Fork(t)}
}

// Requests implements sinktest.Store.
func (b bucket) Requests() int { return len(b.Calls()) }

// Fail implements sinktest.Store.
func (b bucket) Fail(request, how int) string {
	ways := []s3test.Answer{s3test.SlowDown, s3test.Conflict, s3test.Internal, s3test.Expired, s3test.Reset, s3test.LostAnswer}
	way := ways[how%len(ways)]
	b.Script(func(call int, _ string) s3test.Answer {
		if call != request {
			return s3test.Answer{}
		}
		return way
	})
	if way.Done {
		return "a lost answer"
	}
	return way.Code
}

// Crash implements sinktest.Store.
func (b bucket) Crash(request int, done bool, crashed func()) {
	b.Script(func(call int, _ string) s3test.Answer {
		switch {
		case call < request:
			return s3test.Answer{}
		case call > request:
			return s3test.Reset
		}
		return s3test.Answer{Reset: true, Done: done, Before: crashed}
	})
}

var all = flag.Bool("object.all", false, "let something happen at each call and each request of the suite, which takes minutes")

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	damages := map[string]sinktest.Damage{
		"a spool in use": {Change: func(mem *vfstest.Mem) { _, _ = mem.Lock("state.spool/.pikabin.lock") }, Want: "by another process"},
		"a lost spool":   {Change: func(mem *vfstest.Mem) { _ = mem.Remove("state.spool/.pikabin.spool") }, Want: "is not the one of this state"},
	}
	flat, hive := map[string]string{"roll-size": "1500"}, map[string]string{"roll-size": "1500", "partition": "hive"}
	for _, s := range []sinktest.Suite{
		{Settings: flat},
		{Settings: hive, Compress: "zstd", Live: true},
		{Settings: flat, Sealed: true},
		{Settings: map[string]string{"roll-size": "1500", "spool": "spool"}, Shared: true},
		{Settings: map[string]string{"roll-size": "1500", "spool": "spool", "partition": "hive"}, Compress: "gzip", Sealed: true, Shared: true},
	} {
		if !*all {
			s.Most = 10
			if s.Live {
				s.Most = 4 // of many parts
			}
		}
		s.Type, s.Store, s.Unordered = object.Type, newBucket, s.Settings["partition"] != ""
		if !s.Shared {
			s.Refuses = damages
		}
		s.Run(t)
	}
}

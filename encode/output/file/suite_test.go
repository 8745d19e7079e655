package file_test

import (
	"bytes"
	"testing"

	"pikabin/encode/output/file"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	const name = "out.jsonl"
	damages := map[string]sinktest.Damage{
		"a file that is gone":  {Change: func(mem *vfstest.Mem) { _ = mem.Remove(name) }, Want: "it is not there"},
		"a file that is short": {Change: func(mem *vfstest.Mem) { mem.WriteFile(name, []byte("x")) }, Want: "it has 1"},
		"a file of others": {Change: func(mem *vfstest.Mem) {
			mem.WriteFile(name, bytes.Repeat([]byte("x"), len(mem.Files()[name])))
		}, Want: "others than these"},
	}
	for _, s := range []sinktest.Suite{{}, {Compress: "zstd"}, {Compress: "gzip"}, {Compress: "zstd", Live: true}, {Framed: true}, {Framed: true, Live: true}} {
		s.Type, s.Target, s.Refuses = file.Type, name, damages
		s.Run(t)
	}
}

package stream_test

import (
	"testing"

	"pikabin/encode/output/stream"
	"pikabin/encode/sinktest"
)

// TestSuite is what every output has to do.
func TestSuite(t *testing.T) {
	for _, compress := range []string{"", "zstd", "gzip"} {
		for _, live := range []bool{false, true} {
			sinktest.Suite{Type: stream.Type, Target: "-", Compress: compress, Live: live}.Run(t)
		}
	}
	sinktest.Suite{Type: stream.Type, Target: "-", Framed: true}.Run(t)
}

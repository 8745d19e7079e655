package cli_test

import (
	"flag"
	"io"
	"path/filepath"
	"testing"

	"pikabin/encode/cli"
)

var profiled = flag.String("profile.logs", "", "`folder` of the logs that BenchmarkConvert reads, see scripts/profile.sh")

// BenchmarkConvert is the work whose profile the compiler is given (default.pgo): the whole program on logs of each kind, in
// the formats whose bytes are made record by record.
func BenchmarkConvert(b *testing.B) {
	logs, err := filepath.Glob(filepath.Join(*profiled, "*"))
	if err != nil || *profiled == "" {
		b.Skip("no logs: see scripts/profile.sh")
	}
	for _, log := range logs {
		for _, format := range []string{"jsonl", "protobuf", "resp"} {
			b.Run(filepath.Base(log)+"/"+format, func(b *testing.B) {
				for b.Loop() {
					if code := cli.Run([]string{"convert", "-q", "--workers", "1", "-f", format, log}, io.Discard, io.Discard, ""); code != 0 {
						b.Fatalf("exit code %d", code)
					}
				}
			})
		}
	}
}

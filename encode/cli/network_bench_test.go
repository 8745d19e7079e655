//go:build unix

package cli_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/encode/cli/clitest"
)

// BenchmarkNetwork converts the same log as files and over the network, from a server that sends as fast as it can, with one worker. The program is a
// process of its own, whose time on all cores is cpu-ms: the server's is none of it.
func BenchmarkNetwork(b *testing.B) {
	const size = 256 << 20
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = null.Close() })
	for _, value := range []int{100, 1000, 20000} {
		b.Run(strconv.Itoa(value), func(b *testing.B) {
			dir := filepath.Join(b.TempDir(), "log_db0")
			w := binlogtest.NewWriter(binlogtest.Options{Discard: true, SegmentSize: size + 1<<20})
			text := strings.Repeat("v", value)
			for i := 0; w.Position().Offset < size; i++ {
				w.Command("SET", fmt.Sprint("key:", i), text)
			}
			if err := w.WriteDir(dir); err != nil {
				b.Fatal(err)
			}
			_, address := serve(b, pikamaster.Options{Replay: b.TempDir(), DBs: []pikamaster.DB{{Name: "db0", Dir: dir, End: w.Position}}}, "")
			convert := func(b *testing.B, source string) time.Duration {
				b.Helper()
				p := clitest.Start(b, null, "convert", "-q", source, "--workers", "1")
				p.Exits(0)
				return p.Cmd.ProcessState.UserTime() + p.Cmd.ProcessState.SystemTime()
			}
			convert(b, address) // makes the frames
			for _, c := range []struct{ name, source string }{{"files", dir}, {"network", address}} {
				b.Run(c.name, func(b *testing.B) {
					b.SetBytes(size)
					least := time.Duration(1 << 62)
					for b.Loop() {
						least = min(least, convert(b, c.source))
					}
					b.ReportMetric(least.Seconds()*1000, "cpu-ms")
				})
			}
		})
	}
}

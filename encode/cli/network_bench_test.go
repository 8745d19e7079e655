package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/encode/cli"
)

// BenchmarkNetwork converts the same log as files and over the network, from a server in the same process that sends as fast as it can, with one worker.
func BenchmarkNetwork(b *testing.B) {
	const size = 64 << 20
	for _, value := range []int{100, 1000, 20000} {
		dir := filepath.Join(b.TempDir(), "log_db0")
		w := binlogtest.NewWriter(binlogtest.Options{Discard: true})
		text := strings.Repeat("v", value)
		for i := 0; w.Position().Segment == 0 && w.Position().Offset < size; i++ {
			w.Command("SET", fmt.Sprint("key:", i), text)
		}
		if err := w.WriteDir(dir); err != nil {
			b.Fatal(err)
		}
		_, address := serve(b, pikamaster.Options{Replay: true, DBs: []pikamaster.DB{{Name: "db0", Dir: dir, End: w.Position}}}, "")
		for _, c := range []struct{ name, source string }{{"files", dir}, {"network", address}} {
			convert := func() {
				var stderr bytes.Buffer
				if code := cli.Run([]string{"convert", c.source, "--workers", "1"}, io.Discard, &stderr, ""); code != 0 {
					b.Fatal(code, stderr.String())
				}
			}
			convert() // makes the frames
			b.Run(fmt.Sprintf("%d/%s", value, c.name), func(b *testing.B) {
				b.SetBytes(size)
				for b.Loop() {
					convert()
				}
			})
		}
	}
}

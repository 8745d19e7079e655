package binlog_test

import (
	"os"
	"path/filepath"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestManifestOfZeros: a manifest of zeros is that of a new server, which has emptied write2file0, or one of which a power failure has taken the content.
func TestManifestOfZeros(t *testing.T) {
	for name, c := range map[string]struct {
		records  int // in write2file0
		gone     bool
		believed bool
	}{
		"a new server":                     {records: 0, believed: true},
		"before the first record counts":   {records: 1, believed: true},
		"after a power failure":            {records: 3},
		"and what is older was purged":     {records: 3, gone: true},
		"and it is another log's, perhaps": {records: 0, gone: true},
	} {
		for _, g := range []decode.Generation{decode.G1, decode.G5} {
			w := binlogtest.NewWriter(binlogtest.Options{Generation: g})
			for segment := range 3 {
				for range max(c.records*(1-min(segment, 1)), segment) {
					w.Command("SET", "k", "v")
				}
				w.Rotate()
			}
			w.Command("SET", "k", "v")
			dir := filepath.Join(t.TempDir(), "log_db0")
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "manifest"), make([]byte, 1<<16), 0o600); err != nil {
				t.Fatal(err)
			}
			if c.gone {
				remove(t, dir, 0)
			}
			_, err := findOne(t, dir).Manifest()
			if (err == nil) != c.believed {
				t.Errorf("%s, %v: %v", name, g, err)
			}
		}
	}
}

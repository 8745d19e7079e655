package folder_test

import (
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/folder"
)

// TestPartNames reads names with the extension of each format and compression, and of such as may come.
func TestPartNames(t *testing.T) {
	for _, ext := range []string{".jsonl", ".jsonl.zst", ".jsonl.gz", ".pb", ".resp", ".avro", ".parquet", ".jsonl.lz4", ".v2"} {
		want := folder.PartName{Series: "db0", Epoch: 7, At: decode.Position{Segment: 12, Offset: 4096}, Again: 1, Ext: ext}
		if got, ok := folder.ParsePartName("day/db0-e0007-0000000012-000000004096~1" + ext); !ok || got != want {
			t.Errorf("%s: %+v, %v", ext, got, ok)
		}
	}
}

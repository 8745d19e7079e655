package folder_test

import (
	"errors"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog/folder"
)

// TestErrorTexts: each says which log, where, and what can be done or what the evidence is.
func TestErrorTexts(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	archive := &folder.ArchiveError{Log: db0, Path: "/old/write2file7.zst", Offset: 4096, Err: io.ErrUnexpectedEOF}
	for want, err := range map[string]error{
		"db0: manifest /data/log/manifest: only 7 bytes long, expected 65536":                     &folder.ManifestError{Log: db0, Path: "/data/log/manifest", Err: errors.New("only 7 bytes long, expected 65536")},
		"db0: unpacking /old/write2file7.zst: damaged after unpacked offset 4096: unexpected EOF": archive,
		"db0: write2file7 at 4096: the file had 9000 bytes and was cut while it was read; start again from a position that is still there": &folder.ChangedError{
			Log: db0, Segment: 7, Offset: 4096, Size: 9000,
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

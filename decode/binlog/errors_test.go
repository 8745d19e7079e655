package binlog_test

import (
	"errors"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// TestErrorTexts: each says which log, where, and what can be done or who says so.
func TestErrorTexts(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	slot := &decode.Log{DB: "db0", Slot: 3}
	archive := &binlog.ArchiveError{Log: db0, Path: "/old/write2file7.zst", Offset: 4096, Err: io.ErrUnexpectedEOF}
	for want, err := range map[string]error{
		"db0: manifest /data/log/manifest: only 7 bytes long, expected 65536":                                         &binlog.ManifestError{Log: db0, Path: "/data/log/manifest", Err: errors.New("only 7 bytes long, expected 65536")},
		"db0: write2file3 is missing: the records from 2:500 to 4:0 are not here; restore the files, or skip the gap": &binlog.GapError{Log: db0, From: at(2, 500), To: at(4, 0), First: 3, Last: 3},
		"db0/3: write2file3 to write2file9 are missing: the records from 2:500 to 10:0 are not here; restore the files, or skip the gap": &binlog.GapError{
			Log: slot, From: at(2, 500), To: at(10, 0), First: 3, Last: 9,
		},
		"db0: position 3:77 is gone: write2file3 is not there (purged by the server?), the log goes on at 9:0; start there, or restore the segment": &binlog.PurgedError{
			Log: db0, Want: at(3, 77), Oldest: at(9, 0),
		},
		"db0: unpacking /old/write2file7.zst: damaged behind unpacked offset 4096: unexpected EOF": archive,
		"db0: write2file7 is cut short: it ends at 4096, its records at 9000: unpacking write2file7.zst: unexpected EOF": &binlog.CutShortError{
			Log: db0, From: at(7, 4096), To: at(7, 9000), Next: at(8, 0), Cause: archive,
		},
		"db0: write2file7 at 4096: the file had 9000 bytes and was cut while it was read; start again from a position that is still there": &binlog.ChangedError{
			Log: db0, Segment: 7, Offset: 4096, Size: 9000,
		},
		"db0: the history before position 3:77 was replaced (full sync, truncation, another copy): other bytes; what is there now begins at 3:4": &binlog.RewrittenError{
			Log: db0, From: at(3, 77), To: at(3, 4), Reason: "other bytes",
		},
		"db0: logic id 7 is not in the log: the next one is 100 at 5:0":   &binlog.LogicIDError{Log: db0, Want: 7, Next: 100, At: at(5, 0)},
		"db0: logic id 700 is not in the log: all that is there is older": &binlog.LogicIDError{Log: db0, Want: 700},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// TestReasons: why a range is not there, for those who have it, and the log, from elsewhere.
func TestReasons(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	for want, hole := range map[string]decode.Hole{
		"write2file3 is missing":                           &binlog.GapError{Log: db0, From: at(2, 500), To: at(4, 0), First: 3, Last: 3},
		"write2file3 to write2file9 are missing":           &binlog.GapError{Log: db0, From: at(2, 500), To: at(10, 0), First: 3, Last: 9},
		"write2file3 is not there (purged by the server?)": &binlog.PurgedError{Log: db0, Want: at(3, 77), Oldest: at(9, 0)},
		"other bytes": &binlog.RewrittenError{Log: db0, From: at(3, 77), To: at(3, 4), Reason: "other bytes"},
		"write2file7 is cut short: it ends at 4096: cause": &binlog.CutShortError{Log: db0, From: at(7, 4096), Next: at(8, 0), Cause: errors.New("cause")},
	} {
		if got := hole.Why(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestCutShortIsDamage(t *testing.T) {
	cause := errors.New("cause")
	err := &binlog.CutShortError{From: at(7, 4096), To: at(7, 9000), Next: at(8, 0), Cause: cause}
	var corrupt *decode.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Segment != 7 || corrupt.Offset != 4096 || !errors.Is(err, decode.ErrTorn) || !errors.Is(err, cause) {
		t.Errorf("%v unwraps to %v", err, corrupt)
	}
}

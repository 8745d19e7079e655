package decode_test

import (
	"errors"
	"testing"

	"pikabin/decode"
)

// TestErrorTexts: each says which log, where, and what can be done or what the evidence is.
func TestErrorTexts(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	slot := &decode.Log{DB: "db0", Slot: 3}
	archive := explained{errors.New("damaged"), "unpacking write2file7.zst: unexpected EOF"}
	for want, err := range map[string]error{
		"db0: write2file3 is missing: the records from 2:500 to 4:0 are not here; restore the files, or skip the gap": &decode.GapError{Log: db0, From: holeAt(2, 500), To: holeAt(4, 0), First: 3, Last: 3},
		"db0/3: write2file3 to write2file9 are missing: the records from 2:500 to 10:0 are not here; restore the files, or skip the gap": &decode.GapError{
			Log: slot, From: holeAt(2, 500), To: holeAt(10, 0), First: 3, Last: 9,
		},
		"db0: position 3:77 is gone: write2file3 is not there (purged by the server?), the log continues at 9:0; start there, or restore the segment": &decode.PurgedError{
			Log: db0, Want: holeAt(3, 77), Oldest: holeAt(9, 0),
		},
		"db0: write2file7 is cut short: it ends at 4096, its records at 9000: unpacking write2file7.zst: unexpected EOF": &decode.CutShortError{
			Log: db0, From: holeAt(7, 4096), To: holeAt(7, 9000), Next: holeAt(8, 0), Cause: archive,
		},
		"db0: write2file2 holds the records of write2file1; restore the right file, or skip it": &decode.MisplacedError{
			Log: db0, From: holeAt(2, 0), To: holeAt(3, 0), Holds: 1,
		},
		"db0: the history before position 3:77 was replaced (full sync, truncation, another copy): other bytes; what is there now begins at 3:4": &decode.RewrittenError{
			Log: db0, From: holeAt(3, 77), To: holeAt(3, 4), Reason: "other bytes",
		},
	} {
		if got := err.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// explained is a cause with a text of its own for events.
type explained struct {
	error
	why string
}

func (e explained) Why() string { return e.why }

func holeAt(segment uint32, offset int64) decode.Position {
	return decode.Position{Segment: segment, Offset: offset}
}

// TestReasons: why a range is not there, for those who have it, and the log, from elsewhere.
func TestReasons(t *testing.T) {
	db0 := &decode.Log{DB: "db0", Slot: -1}
	for want, hole := range map[string]decode.Hole{
		"write2file3 is missing":                           &decode.GapError{Log: db0, From: holeAt(2, 500), To: holeAt(4, 0), First: 3, Last: 3},
		"write2file3 to write2file9 are missing":           &decode.GapError{Log: db0, From: holeAt(2, 500), To: holeAt(10, 0), First: 3, Last: 9},
		"write2file3 is not there (purged by the server?)": &decode.PurgedError{Log: db0, Want: holeAt(3, 77), Oldest: holeAt(9, 0)},
		"other bytes": &decode.RewrittenError{Log: db0, From: holeAt(3, 77), To: holeAt(3, 4), Reason: "other bytes"},
		"write2file7 is cut short: it ends at 4096: cause": &decode.CutShortError{Log: db0, From: holeAt(7, 4096), Next: holeAt(8, 0), Cause: errors.New("cause")},
	} {
		if got := hole.Why(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestMisplacedIsDamage(t *testing.T) {
	var corrupt *decode.CorruptError
	err := &decode.MisplacedError{From: holeAt(2, 0), To: holeAt(3, 0), Holds: 1}
	if !errors.As(err, &corrupt) || corrupt.Segment != 2 || !errors.Is(err, decode.ErrBadChain) {
		t.Errorf("%v unwraps to %v", err, corrupt)
	}
}

func TestCutShortIsDamage(t *testing.T) {
	cause := errors.New("cause")
	err := &decode.CutShortError{From: holeAt(7, 4096), To: holeAt(7, 9000), Next: holeAt(8, 0), Cause: cause}
	var corrupt *decode.CorruptError
	if !errors.As(err, &corrupt) || corrupt.Segment != 7 || corrupt.Offset != 4096 || !errors.Is(err, decode.ErrTorn) || !errors.Is(err, cause) {
		t.Errorf("%v unwraps to %v", err, corrupt)
	}
}

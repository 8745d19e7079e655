package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// memory keeps a state for as long as the test lasts.
type memory struct{ state checkpoint.State }

func (*memory) Path() string                      { return "/var/state" }
func (m *memory) State() (checkpoint.State, bool) { return m.state, !m.state.IsNew() }
func (m *memory) Save(s checkpoint.State) error   { m.state = s; return nil }
func (*memory) Close() error                      { return nil }

// kept is a state of two logs.
func kept() *memory {
	return &memory{checkpoint.State{
		Source: []string{"/data/pika/log"}, Output: "/backup/changes/", Format: "jsonl", Compression: "zstd",
		DBs: map[string]checkpoint.Mark{"db0": {Position: decode.Position{Segment: 12, Offset: 1}}, "db1/3": {Position: decode.Position{Segment: 1}}},
	}}
}

// compared is a log that was compared with a mark.
type compared struct {
	Log
	id    decode.Log
	found error
	asked []decode.Position
}

func (c *compared) ID() *decode.Log { return &c.id }

func (c *compared) CheckFence(_ context.Context, p decode.Position, _ decode.Fence) error {
	c.asked = append(c.asked, p)
	return c.found
}

// checked are the places of a store, for a source and an output.
func checked(t *testing.T, store StateStore, source string, output [3]string, logs ...Log) error {
	t.Helper()
	p := &places{store: store, state: checkpoint.State{Source: []string{source}}}
	return errors.Join(p.belongTo(output[0], output[1], output[2]), p.check(t.Context(), logs))
}

func TestStateBelongs(t *testing.T) {
	of := [3]string{"/backup/changes/", "jsonl", "zstd"}
	known, other := &compared{id: decode.Log{DB: "db0", Slot: -1}}, &compared{id: decode.Log{DB: "db7", Slot: -1}}
	if err := checked(t, &memory{}, "/x", [3]string{"x", "y"}, other); err != nil {
		t.Errorf("a new state belongs to nothing: %v", err)
	}
	for want, err := range map[string]error{
		"the state /var/state belongs to the output /backup/changes/, not to -: take another state file for it, or the output of the state": checked(
			t, kept(), "/data/pika/log", [3]string{"-", "jsonl", "zstd"}, known),
		"the state /var/state belongs to the format jsonl, not to resp: take another state file for it, or the format of the state": checked(
			t, kept(), "/data/pika/log", [3]string{of[0], "resp", "zstd"}, known),
		"the state /var/state belongs to the compression zstd, not to none: take another state file for it, or the compression of the state": checked(
			t, kept(), "/data/pika/log", [3]string{of[0], "jsonl", ""}, known),
		"the state /var/state is of another log: it was made with /data/pika/log and holds db0 12:1, db1/3 1:0, now /x with db7 is read: " +
			"none of these is there; take another state file for it": checked(t, kept(), "/x", of, other),
	} {
		if err == nil || err.Error() != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	odd := kept()
	odd.state.Output, odd.state.Source = checkpoint.AsKept("/backup/\xff\xfe"), []string{checkpoint.AsKept("/data/\xff")}
	byHand := kept()
	byHand.state.Output, byHand.state.Format, byHand.state.Compression = "", "", ""
	for name, err := range map[string]error{
		"the same":       checked(t, kept(), "/data/pika/log", of, known),
		"set by hand":    checked(t, byHand, "/data/pika/log", [3]string{"x", "y", "gzip"}, known),
		"paths of bytes": checked(t, odd, "/data/\xff", [3]string{"/backup/\xff\xfe", "jsonl", "zstd"}, known),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if len(known.asked) > 0 {
		t.Errorf("asked of %v, where the folders are those of the state", known.asked)
	}
}

// TestSameNamesElsewhere: in other folders the logs have the same names, and the fences decide.
func TestSameNamesElsewhere(t *testing.T) {
	disk := &fs.PathError{Op: "read", Path: "/x", Err: syscall.EIO}
	rewritten, gone, beyond := &decode.RewrittenError{Reason: "cause"}, &decode.PurgedError{}, &decode.BeyondError{}
	for name, c := range map[string]struct {
		source string
		found  error
		want   error
		other  bool
	}{
		"the folder of the state":       {"/data/pika/log", rewritten, nil, false},
		"moved":                         {"/x", nil, nil, false},
		"moved, and purged":             {"/x", gone, nil, false},
		"another history":               {"/x", rewritten, rewritten, true},
		"an end before it":              {"/x", beyond, beyond, true},
		"a disk that fails":             {"/x", disk, disk, false},
		"interrupted while it compares": {"/x", context.Canceled, context.Canceled, false},
	} {
		log := &compared{id: decode.Log{DB: "db1", Slot: 3}}
		if c.found != nil {
			log.found = fmt.Errorf("comparing: %w", c.found)
		}
		err := checked(t, kept(), c.source, [3]string{"/backup/changes/", "jsonl", "zstd"}, &compared{id: decode.Log{DB: "db7", Slot: -1}}, log)
		other, isOther := errors.AsType[*OtherLogError](err)
		if !errors.Is(err, c.want) || isOther != c.other || isOther && !strings.Contains(other.Error(), "db7, db1/3 is read: comparing: ") {
			t.Errorf("%s: %v", name, err)
		}
		if asked := len(log.asked) == 1 && log.asked[0] == (decode.Position{Segment: 1}); asked == (c.source == "/data/pika/log") {
			t.Errorf("%s: asked of %v", name, log.asked)
		}
	}
}

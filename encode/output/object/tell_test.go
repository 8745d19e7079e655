package object_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/output/object/s3test"
	"pikabin/encode/sink"
)

// hour is the folder of the hour that the tests complete.
const hour = "db=db0/dt=2025-06-01/hr=10"

// told is a driver whose hours are told by an object and by a command, which adds a line to the list.
func told(t *testing.T, command string) (d *driver, list func() string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "list")
	t.Setenv("LIST", path)
	d = newDriver(t, s3test.Start(t))
	d.flags = map[string]string{"partition": "hive", "success-file": "true", "on-partition": command}
	return d, func() string {
		text, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Error(err)
		}
		return string(text)
	}
}

// tells is a command that says which hour it is told.
const tells = `echo "$PARTITION_PATH $PARTITION_SPEC" >>"$LIST"`

// line is what it adds for the hour, in any bucket.
func line(d *driver) string {
	bucket, _, _ := strings.Cut(d.server.Target(prefix, ""), "?")
	return bucket + hour + " `db`='db0', `dt`='2025-06-01', `hr`='10'\n"
}

// writeAt hands over an event of a time.
func (d *driver) writeAt(hour, minute int) {
	d.Helper()
	at := time.Date(2025, 6, 1, hour, minute, 0, 0, time.UTC)
	b := &sink.Batch{Log: &decode.Log{DB: "db0", Slot: -1}, Data: []byte(at.Format("15:04\n")), Begin: d.at}
	d.at.Offset += 100
	b.End = d.at
	b.Pieces = []sink.Piece{{Hour: at.Truncate(time.Hour).Unix(), Last: at.Unix(), Begin: b.Begin, Data: b.Data}}
	d.sink.Write(d.Context(), b, func(err error) {
		if err != nil {
			d.Error(err)
		}
	})
}

// success are the folders that are said to be complete.
func (d *driver) success() (dirs []string) {
	for name := range d.objects() {
		if dir, ok := strings.CutSuffix(name, "/_SUCCESS"); ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// wantTold compares what was told.
func (d *driver) wantTold(when, list, want string) {
	d.Helper()
	if diff := cmp.Diff(want, list); diff != "" {
		d.Errorf("%s: the command: %s", when, diff)
	}
	if diff := cmp.Diff([]string{hour}, d.success()); diff != "" {
		d.Errorf("%s: the objects: %s", when, diff)
	}
}

// TestHourIsTold: an hour is told when its parts are in the bucket, and once more when a later event has made another one.
func TestHourIsTold(t *testing.T) {
	d, list := told(t, tells)
	d.mustOpen()
	refused := 0
	d.server.Script(func(_ int, what string) s3test.Answer {
		if strings.HasPrefix(what, "PUT ") && strings.HasSuffix(what, ".jsonl") && refused < 2 {
			refused++
			return s3test.SlowDown
		}
		return s3test.Answer{}
	})
	d.writeAt(10, 10)
	d.writeAt(11, 4)
	d.save(sink.Passing)
	if told := list(); told != "" || len(d.success()) > 0 {
		t.Errorf("within the grace: %q, %v", told, d.success())
	}
	d.writeAt(11, 5)
	d.end()
	d.wantTold("after it", list(), line(d))
	calls := d.server.Calls()
	put := func(suffix string) int {
		return slices.IndexFunc(calls, func(c string) bool { return strings.HasPrefix(c, "PUT ") && strings.HasSuffix(c, suffix) })
	}
	if part, success := put(".jsonl"), put("/_SUCCESS"); refused != 2 || part < 0 || success < part {
		t.Errorf("the part is the call %d, and what tells of it %d, of %q", part, success, calls)
	}
	d.mustOpen()
	d.writeAt(10, 50)
	d.end()
	d.wantTold("a later event", list(), line(d)+line(d))
}

// TestHourIsToldAfterACrash: what waits to be told while the bucket is away is told by the next run, whichever state it has.
func TestHourIsToldAfterACrash(t *testing.T) {
	for saves := range 3 {
		d, list := told(t, tells)
		d.mustOpen()
		d.server.Script(away)
		d.writeAt(10, 10)
		d.writeAt(12, 0)
		for range saves + 1 {
			d.save(sink.Passing)
		}
		d.leave()
		d.server = d.server.Fork(t)
		if told := list(); told != "" || len(d.objects()) > 0 {
			t.Errorf("%d saves: told %q before there is anything: %v", saves, told, d.objects())
		}
		d.mustOpen()
		d.end()
		d.wantTold("in the end", list(), line(d))
	}
}

// TestCommandThatFails: what comes after the hour waits for it, and the next run tells it where this one is to end.
func TestCommandThatFails(t *testing.T) {
	d, list := told(t, "echo away >&2; exit 4")
	d.mustOpen()
	d.writeAt(10, 10)
	d.writeAt(12, 0)
	d.save(sink.Passing)
	close(d.stop)
	d.end()
	said := d.monitor.String()
	if !strings.Contains(said, "--on-partition for "+hour+": exit status 4: away; trying on") || !strings.Contains(said, "1 hours below") {
		t.Errorf("said: %s", said)
	}
	if _, after := d.objects()["db=db0/dt=2025-06-01/hr=12/db0-0000000000-000000000100.jsonl"]; after {
		t.Error("what comes after the hour was sent before it was told")
	}
	d.stop = make(chan struct{})
	d.flags["on-partition"] = tells
	d.mustOpen()
	d.end()
	d.wantTold("by the next run", list(), line(d))
	if objects := d.objects(); len(objects) != 3 {
		t.Errorf("there are %v", objects)
	}
}

// TestSharedHourIsTold: of a state that several hosts share an hour is told by the run that shows its last part, or that continues from there.
func TestSharedHourIsTold(t *testing.T) {
	start, list := told(t, tells)
	settings := start.flags
	d := start.onHost(3, settings)
	d.writeAt(10, 10)
	d.writeAt(12, 0)
	n, err := d.sink.Flush(t.Context(), sink.Passing)
	if err != nil {
		t.Fatal(err)
	}
	d.count(n)
	if told := list(); told != "" || len(d.success()) > 0 {
		t.Errorf("before it is shown: %q, %v", told, d.success())
	}
	next := d.onHost(4, settings)
	next.wantTold("by the next host", list(), line(d))
	for _, d := range []*driver{d, next} {
		if err := d.sink.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

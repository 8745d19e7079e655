package folder_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// hours is a folder of partitions, to which events are written one by one.
type hours struct {
	t    *testing.T
	mem  *vfstest.Mem
	live bool
	sink sink.Resumable
	note json.RawMessage // of the state
	at   int64
}

// byHour parts by the hours of UTC.
var byHour = map[string]string{"partition": "hive"}

func newHours(t *testing.T, live bool) *hours {
	t.Helper()
	h := &hours{t: t, mem: vfstest.New(), live: live}
	h.open()
	return h
}

// open continues where the state says.
func (h *hours) open() {
	h.t.Helper()
	to, err := sinktest.Open(h.t, folder.Type, "out/", byHour, sink.Env{Ext: ".jsonl", Live: h.live, Disk: h.mem, Resume: true, Note: h.note})
	if err != nil {
		h.t.Fatal(err)
	}
	h.sink = to.Sink.(sink.Resumable)
}

// write adds an event of a time.
func (h *hours) write(log *decode.Log, at time.Time) {
	h.t.Helper()
	h.at += 100
	text := []byte(at.Format("15:04\n"))
	b := &sink.Batch{Log: log, Data: text, Begin: decode.Position{Offset: h.at}}
	b.Pieces = []sink.Piece{{Hour: at.Truncate(time.Hour).Unix(), Last: at.Unix(), Begin: b.Begin, Data: text}}
	h.sink.Write(context.Background(), b, func(err error) {
		if err != nil {
			h.t.Error(err)
		}
	})
}

// seen keeps the state, and gives the parts that a consumer sees then.
func (h *hours) seen() []string {
	h.t.Helper()
	note, err := h.sink.Flush(context.Background(), sink.Passing)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.note, err = json.Marshal(note); err != nil {
		h.t.Fatal(err)
	}
	if err := h.sink.Saved(context.Background(), note); err != nil {
		h.t.Fatal(err)
	}
	var seen []string
	files := h.mem.Files()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(filepath.Base(name), ".") {
			dir, _ := filepath.Rel("out", filepath.Dir(name))
			seen = append(seen, dir+": "+strings.Join(strings.Fields(files[name]), " "))
		}
	}
	return seen
}

// want compares what a consumer sees.
func (h *hours) want(when string, want ...string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.seen()); diff != "" {
		h.t.Errorf("%s: %s", when, diff)
	}
}

var (
	hourLog      = &decode.Log{DB: "db0", Slot: -1}
	otherHourLog = &decode.Log{DB: "db1", Slot: -1}
)

// TestPartitionOfOddDB: the name of a partition has one "=" in it. Readers of tables take another one for the end of the column's name, and undo %XX.
func TestPartitionOfOddDB(t *testing.T) {
	h, begin := newHours(t, false), time.Date(2025, 6, 1, 10, 0, 0, 0, time.UTC)
	odd := &decode.Log{DB: "=a=b", Slot: -1}
	h.write(odd, begin)
	h.write(odd, begin.Add(2*time.Hour))
	h.want("after an hour", "db=%3Da%3Db/dt=2025-06-01/hr=10: 10:00")
}

// TestHourIsOver: an event of some minutes after its end completes an hour's part, also of an earlier run. One that comes later
// makes another part.
func TestHourIsOver(t *testing.T) {
	at := func(hour, minute int) time.Time { return time.Date(2025, 6, 1, hour, minute, 0, 0, time.UTC) }
	h := newHours(t, false)
	h.write(hourLog, at(10, 59))
	h.write(otherHourLog, at(10, 59))
	h.write(hourLog, at(11, 4))
	h.want("within the grace")
	h.write(hourLog, at(10, 58))
	h.write(hourLog, at(11, 5))
	ten := "db=db0/dt=2025-06-01/hr=10: 10:59 10:58"
	h.want("after it, of one log", ten)
	h.write(hourLog, at(10, 30))
	h.write(hourLog, at(10, 31))
	h.want("clocks put back", ten)
	if err := h.sink.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.open()
	h.want("the next run", ten)
	h.write(hourLog, at(11, 6))
	h.want("and on again", ten, "db=db0/dt=2025-06-01/hr=10: 10:30 10:31")
	h.write(hourLog, at(13, 0))
	h.want("two hours on", ten, "db=db0/dt=2025-06-01/hr=10: 10:30 10:31", "db=db0/dt=2025-06-01/hr=11: 11:04 11:05 11:06")
}

// TestHourOfTheClock: where events are of now, the clock completes the hour of a log that has fallen silent.
func TestHourOfTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		live, still := newHours(t, true), newHours(t, false)
		write := func(log *decode.Log, at time.Time) {
			live.write(log, at)
			still.write(log, at)
		}
		now := time.Now().Truncate(time.Hour) // the clock of the test begins at midnight
		write(hourLog, now.Add(30*time.Minute))
		write(otherHourLog, now.Add(-24*time.Hour))
		time.Sleep(4 * time.Minute)
		write(otherHourLog, now.Add(-24*time.Hour))
		time.Sleep(4 * time.Minute)
		live.want("old events, that still come")
		time.Sleep(56 * time.Minute)
		past := "db=db1/dt=1999-12-31/hr=00: 00:00 00:00"
		live.want("old events, that come no more", past)
		time.Sleep(2 * time.Minute)
		live.want("after the hour", "db=db0/dt=2000-01-01/hr=00: 00:30", past)
		still.want("events that are not of now")
	})
}

// TestHoursAreOfTheEvents: how a log is parted does not depend on how it was read.
func TestHoursAreOfTheEvents(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 20})
	for i := range 400 {
		w.Advance(100 + 700*(i%3) - 1400*(i%3/2))
		w.Command("SET", fmt.Sprintf("key%d", i), strings.Repeat("v", i*10))
	}
	dir := t.TempDir()
	sinktest.WriteLogs(t, dir, w)
	l := sinktest.Find(t, dir)[0]
	var want map[string]string
	for _, chunk := range []int64{1 << 16, 1 << 17, 1 << 20} {
		mem := vfstest.New()
		to, err := sinktest.Open(t, folder.Type, "out/", byHour, sink.Env{Ext: ".jsonl", Disk: mem})
		if err != nil {
			t.Fatal(err)
		}
		_, err = encode.Run(t.Context(), sinktest.PlanOf(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{ChunkSize: chunk})), to, encode.Options{
			Format: sinktest.Lines(), Workers: 3,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := mem.Files()
		if want == nil {
			want = got
		}
		if !maps.Equal(got, want) || len(got) < 20 {
			t.Errorf("chunks of %d: %q, want %q", chunk, slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
		}
	}
}

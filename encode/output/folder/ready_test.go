package folder_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/encode/output/folder"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/vfs/vfstest"
)

// told is a folder that tells when hours are complete.
type told struct {
	*hours
	monitor sinktest.Monitor
	stop    chan struct{}
}

func newTold(t *testing.T, live bool, settings map[string]string) *told {
	t.Helper()
	h := &told{hours: &hours{t: t, mem: vfstest.New(), live: live}, stop: make(chan struct{})}
	h.open(settings)
	return h
}

// open continues where the state says.
func (h *told) open(settings map[string]string) {
	h.t.Helper()
	settings["partition"] = "hive"
	to, err := sinktest.Open(h.t, folder.Type, "out/", settings, sink.Env{
		Ext: ".jsonl", Live: h.live, Disk: h.mem, Resume: true, Note: h.note, Monitor: &h.monitor, Stop: h.stop,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	h.sink = to.Sink.(sink.Resumable)
}

// flush gives the note that is saved, which saved tells the sink.
func (h *told) flush(m sink.Moment) any {
	h.t.Helper()
	note, err := h.sink.Flush(h.t.Context(), m)
	if err != nil {
		h.t.Fatal(err)
	}
	if h.note, err = json.Marshal(note); err != nil {
		h.t.Fatal(err)
	}
	return note
}

func (h *told) save(m sink.Moment) {
	h.t.Helper()
	if err := h.sink.Saved(h.t.Context(), h.flush(m)); err != nil {
		h.t.Fatal(err)
	}
}

func (h *told) close() {
	h.t.Helper()
	if err := h.sink.Close(h.t.Context()); err != nil {
		h.t.Fatal(err)
	}
}

// success are the folders that are said to be complete.
func (h *told) success() string {
	var dirs []string
	for _, name := range visibleOf(h.mem) {
		if dir, ok := strings.CutSuffix(name, "/_SUCCESS"); ok {
			dirs = append(dirs, strings.TrimPrefix(dir, "out/"))
		}
	}
	return strings.Join(dirs, " ")
}

func visibleOf(mem *vfstest.Mem) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(mem.Files())) {
		if !strings.HasPrefix(filepath.Base(name), ".") {
			names = append(names, filepath.ToSlash(name))
		}
	}
	return names
}

func at(hour, minute int) time.Time { return time.Date(2025, 6, 1, hour, minute, 0, 0, time.UTC) }

// TestHourIsComplete: the file is there once the hour is over by the events of its DB, and not before its parts are.
func TestHourIsComplete(t *testing.T) {
	h := newTold(t, false, map[string]string{"success-file": "true", "roll-size": "10"})
	defer func() { h.close() }()
	want := func(when, want string) {
		t.Helper()
		h.save(sink.Passing)
		if diff := cmp.Diff(want, h.success()); diff != "" {
			t.Errorf("%s: %s", when, diff)
		}
	}
	h.write(hourLog, at(10, 10))
	h.write(hourLog, at(10, 20))
	h.write(otherHourLog, at(10, 20))
	h.write(otherHourLog, at(10, 30))
	want("all parts are complete, and the hour is not over", "")
	h.close()
	h.open(map[string]string{"success-file": "true"})
	h.write(hourLog, at(11, 4))
	want("within the grace", "")
	h.write(hourLog, at(11, 5))
	ten := "db=db0/dt=2025-06-01/hr=10"
	want("after it, in another run", ten)
	slot := &decode.Log{DB: "db2", Slot: 3}
	h.write(slot, at(10, 0))
	h.write(slot, at(13, 0))
	want("of slots the events of one do not tell", ten)
	h.save(sink.End)
	want("the end of a run that was cut short", ten)
	h.save(sink.Whole)
	want("all has been read", strings.Join([]string{
		ten, "db=db0/dt=2025-06-01/hr=11", "db=db1/dt=2025-06-01/hr=10", "db=db2/dt=2025-06-01/hr=10", "db=db2/dt=2025-06-01/hr=13",
	}, " "))
}

// TestHourIsCompleteByTheClock: in a tail the clock tells, where nothing comes any more.
func TestHourIsCompleteByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newTold(t, true, map[string]string{"success-file": "true"})
		h.write(hourLog, time.Now().Truncate(time.Hour).Add(30*time.Minute))
		time.Sleep(64 * time.Minute)
		h.save(sink.Whole)
		if got := h.success(); got != "" {
			t.Errorf("%s, within the grace", got)
		}
		time.Sleep(2 * time.Minute)
		h.save(sink.Passing)
		if got := h.success(); got != "db=db0/dt=2000-01-01/hr=00" {
			t.Errorf("after the hour: %q", got)
		}
		h.close()
	})
}

// TestCommand: a command is told the partition, again where it failed, and again after a crash.
func TestCommand(t *testing.T) {
	dir := t.TempDir()
	list := filepath.Join(dir, "told")
	t.Setenv("LIST", list)
	t.Setenv("ONCE", filepath.Join(dir, "once"))
	synctest.Test(t, func(t *testing.T) { tellByCommand(t, list) })
}

func tellByCommand(t *testing.T, list string) {
	t.Helper()
	h := newTold(t, false, map[string]string{"on-partition": `if mkdir "$ONCE" 2>/dev/null; then echo away >&2; exit 3; fi; echo "$PARTITION_PATH $PARTITION_DB $PARTITION_DT $PARTITION_HR $PARTITION_SPEC" >>"$LIST"`})
	h.write(hourLog, at(10, 59))
	h.write(hourLog, at(12, 0))
	var waits int
	h.monitor.OnWait = func(why error) {
		if why != nil {
			waits++
		}
	}
	h.save(sink.Passing)
	before := h.note
	want := "out/db=db0/dt=2025-06-01/hr=10 db0 2025-06-01 10 `db`='db0', `dt`='2025-06-01', `hr`='10'\n"
	check := func(when, want string) {
		t.Helper()
		got, err := os.ReadFile(list)
		if diff := cmp.Diff(want, string(got)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", when, err, diff)
		}
	}
	check("after a failure", want)
	if said := h.monitor.String(); waits != 1 || !strings.Contains(said, "hr=10: exit status 3: away; trying again") {
		t.Errorf("%d waits, %q", waits, said)
	}
	h.save(sink.Passing)
	check("a later state", want)
	h.close()
	h.open(map[string]string{"on-partition": "exit 9"})
	h.close()
	h.note = before
	h.open(map[string]string{"on-partition": `echo "again $PARTITION_HR" >>"$LIST"`})
	check("a state of before it was told", want+"again 10\n")
	h.close()
}

// TestCommandThatFails leaves an hour to the next run, where this one is to end.
func TestCommandThatFails(t *testing.T) {
	h := newTold(t, false, map[string]string{"on-partition": "exit 4"})
	h.write(hourLog, at(10, 59))
	h.write(hourLog, at(12, 0))
	close(h.stop)
	h.save(sink.End)
	h.close()
	if said := h.monitor.String(); !strings.Contains(said, "left to the next run") || !strings.Contains(string(h.note), `"ready":["db=db0/dt=2025-06-01/hr=10"]`) {
		t.Errorf("%s: %s", said, h.note)
	}
}

// TestCommandThatSaysMuch shows the end of what a command says that fails, in whole characters.
func TestCommandThatSaysMuch(t *testing.T) {
	h := newTold(t, false, map[string]string{"on-partition": `printf 'é%.0s' $(seq 400); echo "xy"; exit 4`})
	h.write(hourLog, at(10, 59))
	h.write(hourLog, at(12, 0))
	close(h.stop)
	h.save(sink.End)
	h.close()
	if said := h.monitor.Lines(); !strings.HasSuffix(said[0], "exit status 4: "+strings.Repeat("é", 248)+"xy; trying again") {
		t.Error(said)
	}
}

// TestCommandInTheBackground: a command has succeeded when it ends, whatever it has left running.
func TestCommandInTheBackground(t *testing.T) {
	held := filepath.Join(t.TempDir(), "held")
	t.Setenv("HELD", held)
	h := newTold(t, false, map[string]string{"on-partition": `mkfifo "$HELD"; cat "$HELD" &`})
	h.write(hourLog, at(10, 59))
	h.write(hourLog, at(12, 0))
	close(h.stop)
	h.save(sink.End)
	if said := h.monitor.String(); said != "" {
		t.Error(said)
	}
	if err := os.WriteFile(held, nil, 0o600); err != nil { // what was left ends
		t.Fatal(err)
	}
	h.close()
}

// TestTellsOfHoursOnly refuses settings without partitions.
func TestTellsOfHoursOnly(t *testing.T) {
	for _, settings := range []map[string]string{{"success-file": "true"}, {"on-partition": "true"}} {
		if _, err := folder.ParseSettings(settings); err == nil || !strings.Contains(err.Error(), "--partition hive") {
			t.Errorf("%v: %v", settings, err)
		}
	}
}

package redis_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis"
	"pikabin/encode/output/redis/positions"
	"pikabin/encode/sink"
)

// load gives the positions of a source, nil if there are none.
func load(t *testing.T, target string) map[string]checkpoint.Mark {
	t.Helper()
	state, ok, err := redis.LoadState(t.Context(), target)
	if err != nil || ok != (len(state.DBs) > 0) {
		t.Fatal(ok, state, err)
	}
	return state.DBs
}

func openState(t *testing.T, target string) *redis.State {
	t.Helper()
	s, err := redis.OpenState(t.Context(), target)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestState shows the positions that a run has kept in the server, sets one, from which the next run continues, and forgets them.
func TestState(t *testing.T) {
	f := newFake(t)
	target := f.target("")
	if marks := load(t, target); len(marks) > 0 {
		t.Fatalf("at first there is %v", marks)
	}
	dir, trace := counted(t, 3)
	if err := (&run{settings: once}).convert(t, dir, target); err != nil {
		t.Fatal(err)
	}
	marks := load(t, target)
	if marks["db0"].Position.Offset == 0 || len(load(t, f.target("&source=other"))) > 0 {
		t.Fatalf("a run has kept %v", marks)
	}
	s := openState(t, target)
	if err := s.Save(checkpoint.State{DBs: map[string]checkpoint.Mark{"db0": {Position: decode.Position{}}, "db1": marks["db0"]}}); err != nil {
		t.Fatal(err)
	}
	if got := load(t, target); len(got) != 2 || got["db0"].Position.Offset != 0 || got["db1"] != marks["db0"] {
		t.Fatalf("set to %v", got)
	}
	if err := (&run{settings: once}).convert(t, dir, target); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.Get("trace"); got != trace+trace {
		t.Errorf("from a position of 0 the next run made %q", got)
	}
	if err := openState(t, target).Save(checkpoint.State{}); err != nil {
		t.Fatal(err)
	}
	if keys, _ := f.HKeys("pikabin:positions:pikabin"); len(load(t, target)) > 0 || len(keys) > 0 {
		t.Errorf("there is %v after all was forgotten", keys)
	}
}

// TestDBsOfOurNames has DBs whose names are those of fields of ours: a second run does nothing again, and the state shows and forgets each.
func TestDBsOfOurNames(t *testing.T) {
	f := newFake(t)
	names := []string{"db0", "seq", "answered", "refused", "held", "owner", "claim"}
	log, dbs := map[string][][]string{}, make([]string, len(names))
	for i, name := range names {
		log[name] = [][]string{{"INCR", "n"}, {"FLUSHDB"}, {"INCR", "n"}}
		dbs[i] = fmt.Sprintf("%s=%d", name, i)
	}
	dir, target := logOf(t, log), f.target("&dbs="+strings.Join(dbs, ","))
	for range 2 {
		if err := (&run{settings: once}).convert(t, dir, target); err != nil {
			t.Fatal(err)
		}
	}
	for i, name := range names {
		if got, _ := f.DB(i).Get("n"); got != "1" {
			t.Errorf("DB %s has n = %s", name, got)
		}
	}
	left := load(t, target)
	if len(left) != len(names) {
		t.Fatalf("the state holds %v", left)
	}
	for _, name := range names {
		delete(left, name)
		if err := openState(t, target).Save(checkpoint.State{DBs: left}); err != nil {
			t.Fatal(err)
		}
		if got := load(t, target); !maps.Equal(got, left) {
			t.Errorf("without %s the state holds %v", name, got)
		}
	}
}

// TestStateKeepsWhatIsHeld shows what a run has left besides, and forgets of it what the user has settled: the event that ended a
// run with another position of its DB, deadlines that are still to be put into effect never.
func TestStateKeepsWhatIsHeld(t *testing.T) {
	f := newFake(t)
	f.HSet("pikabin:positions:pikabin", "db0", `{"position":"1:2"}`, "held", "1", "seq", "3", "refused", `{"db":"db0","command":"SET k v"}`)
	state, _, err := redis.LoadState(t.Context(), f.target(""))
	if note := string(state.Note); err != nil || !strings.Contains(note, `"held":true`) || !strings.Contains(note, "SET k v") {
		t.Errorf("the note is %s, %v", note, err)
	}
	for _, test := range []struct {
		offset int64 // of the position that is set; negative: none
		left   string
	}{{2, "db0 held refused seq"}, {3, "db0 held seq"}, {-1, "held"}} {
		marks := map[string]checkpoint.Mark{"db0": {Position: decode.Position{Segment: 1, Offset: test.offset}}}
		if test.offset < 0 {
			marks = nil
		}
		if err := openState(t, f.target("")).Save(checkpoint.State{DBs: marks}); err != nil {
			t.Fatal(err)
		}
		if keys, _ := f.HKeys("pikabin:positions:pikabin"); strings.Join(keys, " ") != test.left {
			t.Errorf("with a position of 1:%d there is %v, want %s", test.offset, keys, test.left)
		}
	}
}

// TestStateIsTaken: who opens the positions last changes them, and a run that began before ends.
func TestStateIsTaken(t *testing.T) {
	f := newFake(t)
	dir, _ := counted(t, 3)
	r := &run{settings: once}
	first := openState(t, f.target(""))
	if err := r.convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	before := load(t, f.target(""))
	if _, taken := errors.AsType[*positions.TakenError](first.Save(checkpoint.State{})); !taken || !maps.Equal(load(t, f.target("")), before) {
		t.Error("positions were changed under a run that began later")
	}
}

// TestNoState: a target that cannot hold positions says why.
func TestNoState(t *testing.T) {
	f := newFake(t)
	info := "pika_version:3.5.5\r\n"
	f.info.Store(&info)
	if _, _, err := redis.LoadState(t.Context(), "redis://"+f.address); err == nil || !strings.Contains(err.Error(), "which a Pika does not have") {
		t.Errorf("a Pika: %v", err)
	}
	if _, err := redis.OpenState(t.Context(), "redis://h:1?acks=1"); err == nil {
		t.Error("an unknown option is taken")
	} else if _, misuse := errors.AsType[*sink.TargetError](err); !misuse {
		t.Errorf("an unknown option: %v", err)
	}
}

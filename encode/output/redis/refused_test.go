package redis_test

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/encode/output/redis"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// mixed is a log with two events that a Redis refuses, one of them a command that it does not queue.
func mixed(t *testing.T) (dir string) {
	t.Helper()
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "a", "1")
	w.Command("RPUSH", "a", "not a list")
	w.Command("INCR", "a")
	w.Command("PKSETEXAT", "b", "99999999999", "v") // which only Pika knows
	w.Command("INCR", "a")
	dir = t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestRefusedEnds names the event, with its place.
func TestRefusedEnds(t *testing.T) {
	for _, settings := range []map[string]string{nil, once} {
		f := newFake(t)
		err := (&run{settings: settings}).convert(t, mixed(t), f.target(""))
		refused, ok := errors.AsType[*redis.RefusedError](err)
		if !ok {
			t.Fatal(err)
		}
		want := "the server refuses the event of db0 at 0:0, "
		if !strings.Contains(refused.Error(), "the server refuses the event of db0 at ") || !strings.Contains(refused.Error(), "--on-refused=skip") {
			t.Errorf("%v, want %s…", refused, want)
		}
		if settings == nil && refused.Command != `RPUSH a "not a list"` {
			t.Errorf("it names %s", refused.Command)
		}
	}
}

// TestRefusedIsLeftOut: the rest is done, each event once, and a file has what was left out.
func TestRefusedIsLeftOut(t *testing.T) {
	for _, policy := range []string{"skip", "dlq:letters"} {
		for _, exactly := range []string{"", "true"} {
			f, mem := newFake(t), vfstest.New()
			r := &run{settings: map[string]string{"on-refused": policy, "exactly-once": exactly}, env: sink.Env{Disk: mem}}
			if err := r.convert(t, mixed(t), f.target("")); err != nil {
				t.Fatal(err)
			}
			if a, _ := f.Get("a"); a != "3" {
				t.Errorf("%s: a is %s", policy, a)
			}
			if told := r.monitor.String(); !strings.Contains(told, `left out the event of db0 at `) || !strings.Contains(told, "unknown command") {
				t.Errorf("told %q", told)
			}
			var letters []string
			for line := range strings.Lines(mem.Files()["letters"]) {
				var l struct{ Command, Error string }
				if err := json.Unmarshal([]byte(line), &l); err != nil {
					t.Fatal(err)
				}
				letters = append(letters, l.Command)
			}
			if want := map[bool]int{true: 2}[policy != "skip"]; len(letters) != want {
				t.Errorf("%s: letters %q", policy, letters)
			}
		}
	}
}

// TestRefusedInTransaction: what is around it is done, so that the next run has to be told to go on.
func TestRefusedInTransaction(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "a", "1")
	w.Command("RPUSH", "a", "x")
	w.Command("INCR", "a")
	dir := t.TempDir()
	if err := w.WriteDir(filepath.Join(dir, "log_db0")); err != nil {
		t.Fatal(err)
	}
	f := newFake(t)
	for range 2 {
		err := (&run{settings: once}).convert(t, dir, f.target(""))
		if refused, ok := errors.AsType[*redis.RefusedError](err); !ok || refused.Command != "RPUSH a x" || !strings.Contains(refused.Error(), "its place is passed") {
			t.Fatal(err)
		}
	}
	r := &run{settings: map[string]string{"exactly-once": "true", "on-refused": "skip"}}
	if err := r.convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	if err := (&run{settings: once}).convert(t, dir, f.target("")); err != nil {
		t.Fatal(err)
	}
	if a, _ := f.Get("a"); a != "2" || !strings.Contains(r.monitor.String(), "left out the event of db0") {
		t.Errorf("a is %s; told %q", a, r.monitor.String())
	}
}

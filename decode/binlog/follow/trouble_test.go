//go:build unix

package follow_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlog/follow/discovery"
	"pikabin/decode/binlogtest/pikasim"
)

// TestTroubleOfOneLog: a folder that cannot be listed for a while holds up its own log and no other.
func TestTroubleOfOneLog(t *testing.T) {
	top := t.TempDir()
	a := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{})
	b := serverIn(t, filepath.Join(top, "log_db1"), pikasim.Options{})
	put(t, a, 1, 0)
	put(t, b, 1, 0)
	r := tailOf(t, follow.Options{}, top)
	wantTexts(t, r, "db0 0:0", "db1 0:0")
	loop := filepath.Join(b.Dir(), "write2file99")
	must(t, os.Symlink(loop, loop))
	for _, s := range []*pikasim.Server{a, b} {
		must(t, s.Rotate())
		put(t, s, 1, 0)
	}
	wantTexts(t, r, "db0 0:0", "db1 0:0", "db0 1:0")
	list, _ := r.tail.Status()
	if list[0].Trouble != nil || !errors.Is(list[1].Trouble, syscall.ELOOP) {
		t.Errorf("trouble %v and %v", list[0].Trouble, list[1].Trouble)
	}
	must(t, os.Remove(loop))
	wantTexts(t, r, "db0 0:0", "db1 0:0", "db0 1:0", "db1 1:0")
	if want := []binlog.OddityKind{binlog.OddityTrouble, binlog.OddityTrouble}; !cmp.Equal(r.oddities[:min(2, len(r.oddities))], want) {
		t.Errorf("oddities %v, want %v first", r.oddities, want)
	}
}

// TestTroubleAtTheStart: a log that cannot be opened holds up no other, is told of, and is read when it can be.
func TestTroubleAtTheStart(t *testing.T) {
	for _, mended := range []bool{true, false} {
		top := t.TempDir()
		a := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{})
		b := serverIn(t, filepath.Join(top, "log_db1"), pikasim.Options{})
		put(t, a, 1, 0)
		put(t, b, 1, 0)
		loop := filepath.Join(b.Dir(), "write2file99")
		must(t, os.Symlink(loop, loop))
		if logs, err := discovery.Find([]string{top}, binlog.Options{}); err != nil || len(logs) != 1 {
			t.Errorf("found %d logs, %v", len(logs), err)
		}
		r := tailOf(t, follow.Options{Idle: time.Hour}, top)
		wantTexts(t, r, "db0 0:0")
		list, _ := r.tail.Status()
		if len(list) != 2 || list[0].Trouble != nil || list[1].ID.DB != "db1" || !errors.Is(list[1].Trouble, syscall.ELOOP) {
			t.Errorf("status %+v", list)
		}
		if mended {
			must(t, os.Remove(loop))
			wantTexts(t, r, "db0 0:0", "db1 0:0")
			if want := []binlog.OddityKind{binlog.OddityTrouble, binlog.OddityTrouble}; !cmp.Equal(r.oddities, want) {
				t.Errorf("oddities %v", r.oddities)
			}
			continue
		}
		r.clock = r.clock.Add(2 * time.Hour)
		r.left = 3
		if _, err := r.tail.Next(t.Context()); !errors.Is(err, syscall.ELOOP) || !strings.Contains(err.Error(), "db1: could not be read") {
			t.Errorf("the end is %v", err)
		}
	}
}

// TestTroubleAtTheEnd: an end that was not reached is an error, when the tail is stopped and when it was idle for long enough.
func TestTroubleAtTheEnd(t *testing.T) {
	for name, o := range map[string]follow.Options{"stopped": {}, "idle": {Idle: 1}} {
		t.Run(name, func(t *testing.T) {
			s := server(t, pikasim.Options{})
			put(t, s, 1, 0)
			r := tailOf(t, o, s.Dir())
			r.left = 1000
			chunk, err := r.tail.Next(t.Context())
			must(t, err)
			chunk.Release()
			loop := filepath.Join(s.Dir(), "write2file99")
			must(t, os.Symlink(loop, loop))
			must(t, s.Rotate())
			put(t, s, 1, 0)
			if o.Idle == 0 {
				r.left = 10
				if _, err := r.tail.Next(t.Context()); !errors.Is(err, errQuiet) {
					t.Fatal(err)
				}
				r.tail.Stop()
			}
			_, err = r.tail.Next(t.Context())
			stuck, ok := errors.AsType[*follow.StuckError](err)
			if !ok || stuck.Read != at(0, 71) || !errors.Is(err, syscall.ELOOP) {
				t.Errorf("the end is %v", err)
			}
		})
	}
}

// TestTroubleThatIsOverAtTheEnd: what has failed is tried once more before a log is said to be unreached, however long it would have been waited.
func TestTroubleThatIsOverAtTheEnd(t *testing.T) {
	for name, more := range map[string]bool{"and all was read": false, "and there is more": true} {
		for _, idle := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, idle %t", name, idle), func(t *testing.T) {
				s := server(t, pikasim.Options{})
				put(t, s, 1, 0)
				o := follow.Options{}
				if idle {
					o.Idle = time.Hour
				}
				r := tailOf(t, o, s.Dir())
				wantTexts(t, r, "db0 0:0")
				hidden := s.Dir() + ".gone"
				must(t, os.Rename(s.Dir(), hidden))
				must(t, os.Symlink(s.Dir(), s.Dir()))
				for r.left = 10; !inTrouble(r); {
					r.step()
				}
				must(t, errors.Join(os.Remove(s.Dir()), os.Rename(hidden, s.Dir())))
				want := []string{"db0 0:0"}
				if more {
					put(t, s, 1, 0)
					want = append(want, "db0 0:71")
				}
				if r.left = 3; idle {
					r.clock = r.clock.Add(2 * time.Hour)
				} else {
					r.tail.Stop()
				}
				for r.step() {
				}
				if got := texts(r.got); !slices.Equal(got, want) {
					t.Errorf("got %v, want %v", got, want)
				}
			})
		}
	}
}

func inTrouble(r *reader) bool {
	r.t.Helper()
	list, _ := r.tail.Status()
	return list[0].Trouble != nil
}

// TestMovedLog: the same bytes in other files are the same history, and other bytes are none.
func TestMovedLog(t *testing.T) {
	for name, change := range map[string]func([]byte){"the same": nil, "another": func(b []byte) { b[100] ^= 1 }} {
		t.Run(name, func(t *testing.T) {
			s := server(t, pikasim.Options{})
			put(t, s, 2, 0)
			r := tailOf(t, follow.Options{}, s.Dir())
			wantTexts(t, r, "db0 0:0", "db0 0:71")
			s.Kill()
			entries, err := os.ReadDir(s.Dir())
			must(t, err)
			for _, e := range entries {
				path := filepath.Join(s.Dir(), e.Name())
				data, err := os.ReadFile(path)
				must(t, err)
				if change != nil && strings.HasPrefix(e.Name(), "write2file") {
					change(data)
				}
				must(t, os.WriteFile(path+".new", data, 0o600))
				must(t, os.Rename(path+".new", path))
			}
			must(t, s.Restart())
			put(t, s, 1, 0)
			want := []string{"db0 0:0", "db0 0:71", "db0 0:142"}
			if change != nil {
				want = []string{"db0 0:0", "db0 0:71", "db0 Rewritten 0:142 to 0:0", "db0 0:0", "db0 0:71", "db0 0:142"}
			}
			wantTexts(t, r, want...)
		})
	}
}

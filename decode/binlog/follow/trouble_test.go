//go:build unix

package follow_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
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
	if want := []binlog.NoteKind{binlog.NoteTrouble, binlog.NoteTrouble}; !cmp.Equal(r.notes[:min(2, len(r.notes))], want) {
		t.Errorf("notes %v, want %v first", r.notes, want)
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

// flaky fails some times before it reads.
type flaky struct {
	failures int
	err      error
}

func (f *flaky) ReadAt(p []byte, _ int64) (int, error) {
	if f.failures--; f.failures >= 0 {
		return 0, &fs.PathError{Op: "read", Path: "write2file0", Err: f.err}
	}
	return copy(p, "bytes"), nil
}

// TestWorkersArePatient: with errors that may pass as long as the tail is not stopped, and with no others.
func TestWorkersArePatient(t *testing.T) {
	stopped := make(chan struct{})
	close(stopped)
	for i, c := range []struct {
		failures int
		err      error
		stop     chan struct{}
		want     error
	}{
		{1, syscall.ESTALE, nil, nil},
		{1, syscall.EIO, stopped, syscall.EIO},
		{1, fs.ErrClosed, nil, fs.ErrClosed},
	} {
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			src := follow.Patient(&flaky{failures: c.failures, err: c.err}, c.stop)
			if n, err := src.ReadAt(make([]byte, 5), 0); !errors.Is(err, c.want) || c.want == nil && n != 5 {
				t.Errorf("%d bytes, %v, want %v", n, err, c.want)
			}
		})
	}
}

//go:build unix

package follow_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/pikasim"
)

func texts(list []item) []string {
	out := make([]string, len(list))
	for i, it := range list {
		out[i] = it.Log + " " + it.String()
	}
	return out
}

func wantTexts(t *testing.T, r *reader, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, texts(r.drain())); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

// TestTailHoles: what is gone before it is read is named, and what is after it comes.
func TestTailHoles(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(t *testing.T, s *pikasim.Server, r *reader)
		want []string // after the records 0:0 and 0:71
	}{
		"purged while it lags": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				for range 3 {
					put(t, s, 1, 0)
					must(t, s.Rotate())
				}
				put(t, s, 1, 0)
				must(t, s.Purge(1))
			},
			want: []string{"db0 0:142", "db0 Gap 0:213 to 3:0", "db0 3:0"},
		},
		"purged at its end": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.Rotate())
				put(t, s, 1, 0)
				must(t, s.Purge(1))
			},
			want: []string{"db0 1:0"},
		},
		"all unlinked while the server writes": {
			do: func(t *testing.T, s *pikasim.Server, r *reader) {
				t.Helper()
				must(t, s.PurgeLive())
				put(t, s, 1, 0)
				r.catchUp()
				put(t, s, 1, 0)
				must(t, s.Rotate())
				put(t, s, 1, 0)
			},
			want: []string{"db0 0:142", "db0 0:213", "db0 1:0"},
		},
		"a full sync in place, and all unlinked before a look at it": {
			do: func(t *testing.T, s *pikasim.Server, r *reader) {
				t.Helper()
				must(t, s.FullSync(at(0, 1000)))
				must(t, s.PurgeLive())
				r.drain()
				r.drain()
				must(t, s.Rotate())
				put(t, s, 1, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 0:1000", "db0 1:0"},
		},
		"a full sync to a lower segment": {
			do: func(t *testing.T, s *pikasim.Server, r *reader) {
				t.Helper()
				for range 3 {
					must(t, s.Rotate())
					put(t, s, 1, 0)
				}
				r.catchUp()
				must(t, s.FullSync(at(1, 1000)))
				put(t, s, 1, 0)
			},
			want: []string{"db0 1:0", "db0 2:0", "db0 3:0", "db0 Rewritten 3:71 to 1:0", "db0 1:1000"},
		},
		"a full sync to a higher segment over stale ones": {
			do: func(t *testing.T, s *pikasim.Server, r *reader) {
				t.Helper()
				for range 3 {
					must(t, s.Rotate())
					put(t, s, 1, 0)
				}
				must(t, s.FullSync(at(1, 1000)))
				put(t, s, 1, 0)
				r.catchUp()
				must(t, s.FullSync(at(4, 100)))
				put(t, s, 1, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 1:0", "db0 1:1000", "db0 Rewritten 1:1071 to 4:0", "db0 4:100"},
		},
		"a full sync to the same segment": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.FullSync(at(0, 1000)))
				put(t, s, 1, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 0:0", "db0 0:1000"},
		},
		"a full sync and a purge of what it left": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.FullSync(at(0, 1000)))
				put(t, s, 1, 0)
				must(t, s.Rotate())
				put(t, s, 1, 0)
				must(t, s.Purge(1))
			},
			want: []string{"db0 Rewritten 0:142 to 1:0", "db0 1:0"},
		},
		"a full sync and a purge of more than it left": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.FullSync(at(5, 1000)))
				must(t, s.Rotate())
				put(t, s, 1, 0)
				must(t, s.Purge(1))
			},
			want: []string{"db0 Rewritten 0:142 to 6:0", "db0 6:0"},
		},
		"a full sync to the beginning of the next segment": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.FullSync(at(1, 0)))
				put(t, s, 1, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 1:0", "db0 1:0"},
		},
		"a lost manifest": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.LoseManifest())
				must(t, s.Restart())
				put(t, s, 3, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 0:0", "db0 0:0", "db0 0:71", "db0 0:142"},
		},
		"a truncation": {
			do: func(t *testing.T, s *pikasim.Server, _ *reader) {
				t.Helper()
				must(t, s.Truncate(at(0, 71)))
				put(t, s, 2, 0)
			},
			want: []string{"db0 Rewritten 0:142 to 0:0", "db0 0:0", "db0 0:71", "db0 0:142"},
		},
		"stale bytes kept by a rotation": {
			do: func(t *testing.T, s *pikasim.Server, r *reader) {
				t.Helper()
				s.Kill()
				file := filepath.Join(s.Dir(), "write2file0")
				f, err := os.OpenFile(file, os.O_WRONLY, 0)
				must(t, err)
				_, err = f.WriteAt([]byte(strings.Repeat("stale", 500)), 142)
				must(t, errors.Join(err, f.Close()))
				must(t, s.Restart())
				r.catchUp()
				must(t, s.Rotate())
				r.catchUp()
				put(t, s, 1, 0)
			},
			want: []string{"db0 1:0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := server(t, pikasim.Options{})
			put(t, s, 2, 0)
			r := tailOf(t, follow.Options{}, s.Dir())
			r.catchUp()
			c.do(t, s, r)
			got := texts(r.drain())
			if len(got) < 2 || !slices.Equal(got[:2], []string{"db0 0:0", "db0 0:71"}) {
				t.Fatalf("begins with %q", got)
			}
			if diff := cmp.Diff(c.want, got[2:]); diff != "" {
				t.Errorf("read (-want +got):\n%s", diff)
			}
		})
	}
}

// TestTailManyLogs: all DBs of a folder, one that appears later, and one that is removed.
func TestTailManyLogs(t *testing.T) {
	top := t.TempDir()
	a := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{})
	put(t, a, 1, 0)
	r := newReader(t)
	var late []string
	must(t, r.open(follow.Options{
		Want: func(l *decode.Log) bool { return l.DB != "db9" },
		Start: func(_ context.Context, l *binlog.Log, isLate bool) (decode.Position, decode.Hole, error) {
			if isLate {
				late = append(late, l.ID().String())
				return l.Start(), nil, nil
			}
			return l.Committed(), nil, nil
		},
	}, top))
	put(t, a, 1, 0)
	r.drain()
	must(t, os.Mkdir(filepath.Join(top, "log_db1"), 0o750))
	r.drain()
	b := serverIn(t, filepath.Join(top, "log_db1"), pikasim.Options{})
	unwanted := serverIn(t, filepath.Join(top, "log_db9"), pikasim.Options{})
	put(t, b, 2, 0)
	put(t, unwanted, 2, 0)
	r.drain()
	put(t, b, 1, 0)
	must(t, os.Rename(b.Dir(), b.Dir()+"_deleting"))
	wantTexts(t, r, "db0 0:71", "db1 0:0", "db1 0:71", "db1 0:142")
	if diff := cmp.Diff([]string{"db1"}, late); diff != "" {
		t.Errorf("late logs (-want +got):\n%s", diff)
	}
	if want := []binlog.OddityKind{binlog.OddityAppeared, binlog.OddityRemoved}; !slices.Equal(r.oddities, want) {
		t.Errorf("oddities %v, want %v", r.oddities, want)
	}
	again := serverIn(t, filepath.Join(top, "log_db1"), pikasim.Options{})
	put(t, again, 1, 0)
	wantTexts(t, r, "db0 0:71", "db1 0:0", "db1 0:71", "db1 0:142", "db1 Rewritten 0:213 to 0:0", "db1 0:0")
}

// TestTailIsFair: a log with much to read does not keep the others waiting.
func TestTailIsFair(t *testing.T) {
	top := t.TempDir()
	big := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{})
	small := serverIn(t, filepath.Join(top, "log_db1"), pikasim.Options{})
	put(t, big, 20, 100_000)
	put(t, small, 1, 0)
	r := tailOf(t, follow.Options{Plan: binlog.PlanOptions{ChunkSize: decode.BlockSize}}, top)
	for range 4 {
		r.step()
	}
	if !slices.ContainsFunc(r.got, func(i item) bool { return i.Log == "db1" }) {
		t.Errorf("after 4 chunks there is nothing of db1: %v", r.got)
	}
}

func TestTailBeginsBeforeTheServer(t *testing.T) {
	top := t.TempDir()
	must(t, os.WriteFile(filepath.Join(top, "pika.INFO"), nil, 0o600))
	r := tailOf(t, follow.Options{}, top)
	r.drain()
	s := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{Generation: decode.G1})
	r.drain()
	put(t, s, 2, 0)
	wantTexts(t, r, "db0 0:0", "db0 0:37")
}

func TestTailRefuses(t *testing.T) {
	top := binlogtest.Tree(t, "archived/", "other/notes.txt", "log/", "twice/log_db0/", "twin/log_db0/")
	must(t, os.Remove(filepath.Join(top, "archived", "manifest")))
	for name, c := range map[string]struct {
		paths []string
		start decode.Position
		want  string
	}{
		"a file":                   {paths: []string{"log/write2file0"}, want: "only the log of a running server can be followed"},
		"no manifest":              {paths: []string{"archived"}, want: "which convert reads"},
		"a folder of other things": {paths: []string{"other"}, want: "is not a Pika log folder"},
		"nothing":                  {want: "no log given"},
		"two logs of one DB":       {paths: []string{"twice", "twin"}, want: "are both the log of db0"},
	} {
		t.Run(name, func(t *testing.T) {
			paths := make([]string, len(c.paths))
			for i, name := range c.paths {
				paths[i] = filepath.Join(top, name)
			}
			err := newReader(t).open(follow.Options{}, paths...)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTailStartPastTheEnd(t *testing.T) {
	s := server(t, pikasim.Options{})
	put(t, s, 1, 0)
	r := tailOf(t, follow.Options{
		Start: func(context.Context, *binlog.Log, bool) (decode.Position, decode.Hole, error) {
			return at(0, 72), nil, nil
		},
	}, s.Dir())
	for range 2 {
		_, err := r.tail.Next(t.Context())
		var beyond *decode.BeyondError
		if !errors.As(err, &beyond) || beyond.End != at(0, 71) {
			t.Errorf("error %v", err)
		}
	}
}

func TestTailEnds(t *testing.T) {
	s := server(t, pikasim.Options{})
	put(t, s, 1, 0)
	r := tailOf(t, follow.Options{Idle: time.Minute}, s.Dir())
	r.left = 1 << 20
	for r.step() {
	}
	if idle := r.clock.Sub(time.Unix(1_700_000_000, 0)); idle != time.Minute || len(r.got) != 1 {
		t.Errorf("ended after %v with %v, want a minute and one record", idle, r.got)
	}
	put(t, s, 1, 0)
	r = tailOf(t, follow.Options{}, s.Dir())
	r.tail.Stop()
	r.tail.Stop()
	if _, err := r.tail.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after Stop: %v", err)
	}
}

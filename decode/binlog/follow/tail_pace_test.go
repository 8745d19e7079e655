//go:build unix

package follow_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog/follow"
	"pikabin/decode/binlogtest/pikasim"
)

// TestTailPace: the longer nothing has come, the longer it waits, up to the limit.
func TestTailPace(t *testing.T) {
	s := server(t, pikasim.Options{})
	r := tailOf(t, follow.Options{PollMax: 50 * time.Millisecond}, s.Dir())
	r.left = 2000
	r.step()
	if !slices.IsSorted(r.waits) || r.waits[0] != 500*time.Microsecond || r.waits[len(r.waits)-1] != 50*time.Millisecond {
		t.Errorf("waits from %v to %v", r.waits[0], r.waits[len(r.waits)-1])
	}
}

func TestTailStatus(t *testing.T) {
	s := server(t, pikasim.Options{})
	put(t, s, 2, 0)
	r := tailOf(t, follow.Options{}, s.Dir())
	r.catchUp()
	r.clock = r.clock.Add(time.Hour)
	must(t, s.Rotate())
	put(t, s, 1, 0)
	list, err := r.tail.Status()
	if err != nil || len(list) != 1 {
		t.Fatalf("%v, %v", list, err)
	}
	got := list[0]
	if got.Read != at(0, 142) || got.Committed != at(1, 71) || !got.Moved.Equal(r.clock) || len(got.Segments) != 2 {
		t.Errorf("status %+v", got)
	}
	for _, c := range []struct {
		pos      decode.Position
		bytes    int64
		segments int
	}{{at(0, 71), 142, 1}, {at(0, 142), 71, 1}, {at(1, 71), 0, 0}} {
		if bytes, segments := got.Behind(c.pos); bytes != c.bytes || segments != c.segments {
			t.Errorf("after %v: %d bytes, %d segments, want %d and %d", c.pos, bytes, segments, c.bytes, c.segments)
		}
	}
}

// TestTailStatusWithoutTheLiveSegment: the lag is that of the positions, whatever files there are. A reader that has it open reads on, and
// one that has not lags all the same.
func TestTailStatusWithoutTheLiveSegment(t *testing.T) {
	for name, read := range map[string]bool{"held open": true, "never read": false} {
		t.Run(name, func(t *testing.T) {
			s := server(t, pikasim.Options{})
			put(t, s, 2, 0)
			must(t, s.Rotate())
			put(t, s, 1, 0)
			r := tailOf(t, follow.Options{}, s.Dir())
			if read {
				r.drain()
			}
			must(t, s.PurgeLive())
			put(t, s, 3, 0)
			list, err := r.tail.Status()
			must(t, err)
			got := list[0]
			if bytes, segments := got.Behind(at(1, 71)); bytes != 213 || segments != 0 || got.Committed != at(1, 284) || len(got.Unpurged) != 0 {
				t.Errorf("%d bytes and %d segments, %+v", bytes, segments, got)
			}
			if read {
				wantTexts(t, r, "db0 0:0", "db0 0:71", "db0 1:0", "db0 1:71", "db0 1:142", "db0 1:213")
			}
		})
	}
}

// TestTailWakes waits for real: the poll is an hour away, so it is the new segment that wakes it.
func TestTailWakes(t *testing.T) {
	top := t.TempDir()
	s := serverIn(t, filepath.Join(top, "log_db0"), pikasim.Options{})
	put(t, s, 1, 0)
	woken, err := follow.Woken(t.Context(), []string{top}, func() error {
		return errors.Join(s.Rotate(), os.WriteFile(filepath.Join(top, "pika.INFO"), nil, 0o600))
	})
	if err != nil || !woken {
		t.Errorf("woken %t, %v", woken, err)
	}
}

func TestTailContext(t *testing.T) {
	s := server(t, pikasim.Options{})
	tail, err := follow.Open(t.Context(), []string{s.Dir()}, follow.Options{})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tail.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	must(t, tail.Close())
}

func TestTailPollDoesNotAllocate(t *testing.T) {
	s := server(t, pikasim.Options{})
	put(t, s, 1, 0)
	r := tailOf(t, follow.Options{}, s.Dir())
	r.drain()
	r.clock = r.clock.Add(time.Millisecond)
	frozen := r.clock
	n := testing.AllocsPerRun(100, func() {
		r.clock, r.waits = frozen, r.waits[:0]
		if _, err := r.tail.Next(t.Context()); !errors.Is(err, errQuiet) {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkTailPoll(b *testing.B) {
	dir := filepath.Join(b.TempDir(), "log_db0")
	s, err := pikasim.Open(dir, pikasim.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Kill()
	clock := time.Unix(1_700_000_000, 0)
	tail, err := follow.OpenAt(b.Context(), []string{dir}, follow.Options{NoWatch: true}, func() time.Time { return clock },
		func(context.Context, time.Duration) error { return errQuiet })
	if err != nil {
		b.Fatal(err)
	}
	defer tail.Close()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tail.Next(b.Context()); !errors.Is(err, errQuiet) {
			b.Fatal(err)
		}
	}
}

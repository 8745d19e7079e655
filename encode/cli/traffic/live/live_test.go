package live_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/live"
)

// summary is one with something of everything.
func summary() *traffic.Summary {
	s := &traffic.Summary{Count: traffic.Count{Events: 1200, Bytes: 3 << 20}, Step: 60}
	first, last := int64(36000), int64(36000+200*60)
	s.First, s.Last = &first, &last
	for i := range int64(201) {
		s.Timeline = append(s.Timeline, traffic.Step{TS: first + 60*i, Count: traffic.Count{Events: 1 + i%9}})
	}
	for i := range 9 {
		n := traffic.Named{Name: fmt.Sprintf("command-%d", i), Count: traffic.Count{Events: int64(100 - i)}}
		s.Commands, s.Types, s.DBs = append(s.Commands, n), append(s.Types, n), append(s.DBs, n)
		f := traffic.Frequency{DB: "db0", Text: strings.Repeat("用户:", i) + "\x1b[2J", Count: n.Count}
		s.Keys.Top, s.Prefixes.Top = append(s.Keys.Top, f), append(s.Prefixes.Top, f)
		s.Values = append(s.Values, traffic.Event{DB: "db0", Key: f.Text, Bytes: int64(1000 - i)})
	}
	s.Prefixes.Under = 17
	return s
}

// TestFrameFits makes frames of all sizes: none is larger than the screen, and nothing in one is for the terminal to act on.
func TestFrameFits(t *testing.T) {
	for _, s := range []*traffic.Summary{summary(), {Step: 60}} {
		for width := 1; width < 140; width += 9 {
			for height := 1; height < 60; height += 3 {
				f := live.Frame{Title: "pikabin stats /data", Now: s, Clock: time.Unix(50_000, 0).UTC(), Message: "a message\x07", Width: width, Height: height}
				lines := f.Lines()
				if len(lines) != height {
					t.Fatalf("%d by %d: %d lines", width, height, len(lines))
				}
				for _, line := range lines {
					if utf8.RuneCountInString(line) > width || strings.ContainsAny(line, "\x1b\x07\r\n") {
						t.Fatalf("%d by %d: %q", width, height, line)
					}
				}
			}
		}
	}
}

// TestFrame is what 80 columns and 24 lines show.
func TestFrame(t *testing.T) {
	before := &traffic.Summary{Count: traffic.Count{Events: 1000, Bytes: 2 << 20}}
	f := live.Frame{Title: "pikabin stats /data", Now: summary(), Before: before, Took: 2 * time.Second, Clock: time.Unix(48_005, 0).UTC(), Message: "db0: waits", Width: 80, Height: 24}
	want := `pikabin stats /data                                                       q ends
1,200 events, 3.0 MiB, now 100 and 512.0 KiB a second, the last 5s ago

▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃▄▅▆▇██▁▂▃`
	if diff := cmp.Diff(want, strings.Join(f.Lines()[:4], "\n")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for i, want := range map[int]string{
		4:  "steps of 1m from 12:01:00 to 13:20:00, most 9 at 12:05:00",
		6:  "command                   events  share  type                      events  share",
		7:  "command-0                    100   8.3%  command-0                    100   8.3%",
		12: "prefix (-17 at mos…       events  share  db                        events  share",
		23: "db0: waits",
	} {
		if got := strings.TrimRight(f.Lines()[i], " "); got != want {
			t.Errorf("line %d:\n%s, want\n%s", i, got, want)
		}
	}
}

// TestScreenIsLeft shows a summary until a key is pressed, and leaves the terminal as it was.
func TestScreenIsLeft(t *testing.T) {
	for _, key := range []string{"q", "Q", "\x03", "\x04", "x\x1b[Aq"} {
		var out bytes.Buffer
		ctx, quit := context.WithCancel(t.Context())
		s := live.Screen{
			Terminal: live.Terminal{Out: &out, Size: func() (int, int) { return 80, 24 }, Keys: strings.NewReader(key)},
			Title:    "a log", Interval: time.Hour, Summary: summary, Message: func() string { return "" }, Quit: quit, Zone: time.UTC,
		}
		if err := s.Show(ctx); err != nil {
			t.Fatal(err)
		}
		text := out.String()
		if !strings.HasPrefix(text, "\x1b[?1049h\x1b[?25l") || !strings.HasSuffix(text, "\x1b[?25h\x1b[?1049l") || strings.Count(text, "q ends") != 1 {
			t.Errorf("%q: the terminal was told %q", key, text)
		}
		if lines := strings.Count(text, "\r\n"); lines != 23 {
			t.Errorf("%d ends of lines: the screen would move", lines)
		}
	}
}

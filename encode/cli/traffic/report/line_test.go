package report_test

import (
	"testing"
	"unicode/utf8"

	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/report"
)

// TestLine puts timelines of all lengths into few columns: no event is lost, and the columns are no more than there may be.
func TestLine(t *testing.T) {
	for steps := 1; steps < 300; steps++ {
		s := &traffic.Summary{Step: 60}
		want := int64(0)
		for i := range steps {
			if i%7 == 3 && i+1 < steps {
				continue
			}
			s.Timeline = append(s.Timeline, traffic.Step{TS: int64(600 + 60*i), Count: traffic.Count{Events: int64(i + 1), Bytes: 2}})
			want += int64(i + 1)
		}
		line, ok := report.NewLine(s, 50)
		if !ok || len(line.Counts) > 50 || line.From != 600 {
			t.Fatalf("%d steps: %d columns from %d", steps, len(line.Counts), line.From)
		}
		got := int64(0)
		for _, c := range line.Counts {
			got += c.Events
		}
		if got != want {
			t.Errorf("%d steps: %d events, want %d", steps, got, want)
		}
		if n := utf8.RuneCountInString(line.Spark()); n > 50 || n < len(line.Counts) {
			t.Errorf("%d steps: %d columns are drawn as %d", steps, len(line.Counts), n)
		}
	}
	if _, ok := report.NewLine(&traffic.Summary{Step: 60}, 50); ok {
		t.Error("there is a line of nothing")
	}
}

func TestSpark(t *testing.T) {
	s := &traffic.Summary{Step: 1}
	for i, n := range []int64{1, 2, 4, 8, 0, 8} {
		if n > 0 {
			s.Timeline = append(s.Timeline, traffic.Step{TS: int64(i), Count: traffic.Count{Events: n}})
		}
	}
	line, _ := report.NewLine(s, 50)
	if got, want := line.Spark(), "▁▂▄█ █"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestBound: counts that are too low come with what makes them exact.
func TestBound(t *testing.T) {
	top := []traffic.Frequency{{Count: traffic.Count{Events: 7}}}
	for want, f := range map[string]traffic.Frequent{
		"all counts are exact": {Top: top},
		"too many to count each: a count is at most 3 too low; fewer keys are counted exactly, as with --key 'user:*'":     {Under: 3, Top: top},
		"too many to count each, and none came more than 16 times; fewer keys are counted exactly, as with --key 'user:*'": {Under: 9, Top: top},
	} {
		if got := report.Bound(&f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLength(t *testing.T) {
	for seconds, want := range map[int64]string{0: "0s", 1: "1s", 60: "1m", 90: "1m30s", 3600: "1h", 86400: "1d", 90061: "1d1h", 604800: "7d", 3601: "1h1s"} {
		if got := report.Length(seconds); got != want {
			t.Errorf("%d: got %s, want %s", seconds, got, want)
		}
	}
}

// TestKey shows keys safely for a terminal.
func TestKey(t *testing.T) {
	for _, tt := range []struct{ text, b64, want string }{
		{"user:1", "", "user:1"},
		{"", "", `""`},
		{"a b", "", `"a b"`},
		{"\x1b[2J", "", `"\x1b[2J"`},
		{"", "/w==", `"\xff"`},
		{"0123456789012345678901234567890123456789012345678", "", "012345678901234567890123456789012345678901234567…"},
	} {
		if got := report.Key(tt.text, tt.b64); got != tt.want {
			t.Errorf("%q %q: got %s, want %s", tt.text, tt.b64, got, tt.want)
		}
	}
}

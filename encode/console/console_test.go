package console_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"pikabin/encode/console"
)

// TestMain fails when a bar goes on turning after its end.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSize(t *testing.T) {
	for text, want := range map[string]console.Size{
		"1": 1, "4096": 4096, "4096B": 4096, "64KiB": 64 << 10, "256MiB": 256 << 20, "1GiB": 1 << 30, "2 GiB": 2 << 30,
	} {
		var got console.Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: got %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "0", "-1", "-1KiB", "MiB", "1.5GiB", "1TiB", "1MB", "1kib", "9223372036854775807GiB", "1KiBKiB"} {
		size := console.Size(7)
		if err := size.UnmarshalText([]byte(text)); err == nil || size != 7 {
			t.Errorf("%q was taken as %d", text, size)
		}
	}
}

func say(c *console.Console) {
	c.Info("reading")
	c.Warn("odd")
	c.Error("bad")
}

func TestMessages(t *testing.T) {
	for name, c := range map[string]struct {
		quiet bool
		want  string
	}{
		"all":   {false, "pikabin: reading\npikabin: odd\npikabin: bad\n"},
		"quiet": {true, "pikabin: odd\npikabin: bad\n"},
	} {
		var out bytes.Buffer
		say(console.New(&out, false, c.quiet))
		if out.String() != c.want {
			t.Errorf("%s: got %q, want %q", name, out.String(), c.want)
		}
	}
}

func TestMessagesAsJSON(t *testing.T) {
	var out bytes.Buffer
	say(console.New(&out, true, false))
	var got []string
	for line := range strings.Lines(out.String()) {
		var message struct{ Level, Msg string }
		if err := json.Unmarshal([]byte(line), &message); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got = append(got, message.Level+" "+message.Msg)
	}
	if strings.Join(got, ", ") != "INFO reading, WARN odd, ERROR bad" {
		t.Errorf("got %q", got)
	}
}

func TestNoBar(t *testing.T) {
	for _, when := range []string{"auto", "never"} {
		var out bytes.Buffer
		bar := console.New(&out, false, false).Progress(when, 100)
		bar.Add(50)
		bar.Finish()
		if bar != nil || out.Len() > 0 {
			t.Errorf("%s: a bar on what is no terminal: %q", when, out.String())
		}
	}
}

// screen is what a terminal's lines show after carriage returns, and after codes that clear the rest of a line.
func screen(written string) []string {
	lines := strings.Split(written, "\n")
	for i, line := range lines {
		var shown []byte
		for piece := range strings.SplitSeq(line, "\r") {
			if rest, ok := strings.CutPrefix(piece, "\x1b[K"); ok {
				piece, shown = rest, nil
			}
			shown = append([]byte(piece), shown[min(len(piece), len(shown)):]...)
		}
		lines[i] = strings.TrimRight(string(shown), " ")
	}
	return lines
}

// TestMessagesBesideABar shows messages while there is a bar and behind it: they stand on lines of their own, and nothing of
// the bar is left.
func TestMessagesBesideABar(t *testing.T) {
	for name, total := range map[string]int64{"known size": 1000, "unknown size": 0} {
		var out bytes.Buffer
		c := console.New(&out, false, false)
		bar := c.Progress("always", total)
		for range 5 {
			bar.Add(100)
			c.Warn("odd")
		}
		bar.Add(100)
		bar.Finish()
		drawn := out.Len()
		c.Info("done")
		want := strings.Repeat("pikabin: odd\n", 5) + "pikabin: done\n"
		if got := strings.Join(screen(out.String()), "\n"); got != want {
			t.Errorf("%s: the screen shows\n%s\nwant\n%s", name, got, want)
		}
		if got := out.String()[drawn:]; got != "pikabin: done\n" {
			t.Errorf("%s: behind the bar comes %q", name, got)
		}
	}
}

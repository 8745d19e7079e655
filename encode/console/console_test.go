package console_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"

	"pikabin/encode/console"
)

// TestMain fails when a bar still turns after its end.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestSize(t *testing.T) {
	size := console.Size(7)
	if err := size.UnmarshalText([]byte("many")); err == nil || size != 7 {
		t.Errorf("\"many\" was taken as %d", size)
	}
	if err := size.UnmarshalText([]byte("1G")); err != nil || size != 1<<30 {
		t.Errorf("1G is %d, %v", size, err)
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

// TestFieldsAreOfOneMessage gives fields to a message: those after it have none of them.
func TestFieldsAreOfOneMessage(t *testing.T) {
	var out bytes.Buffer
	c := console.New(&out, true, false)
	c.With(slog.String("db", "db0")).Warn("odd")
	c.With(slog.String("db", "db1")).Warn("odd")
	c.Warn("odd")
	for i, want := range []string{`"msg":"odd","db":"db0"}`, `"msg":"odd","db":"db1"}`, `"msg":"odd"}`} {
		if line := strings.Split(out.String(), "\n")[i]; !strings.HasSuffix(line, want) {
			t.Errorf("message %d is %s, want it to end in %s", i, line, want)
		}
	}
}

// TestMessagesHaveFields writes them as members of the JSON, each message on one line, and in text not at all.
func TestMessagesHaveFields(t *testing.T) {
	for json, want := range map[bool]string{
		true:  `"level":"ERROR","msg":"two lines; and \\x1b[2J","db":"db0","position":"12:4096"}` + "\n",
		false: "pikabin: two lines\npikabin: and \\x1b[2J\n",
	} {
		var out bytes.Buffer
		c := console.New(&out, json, false)
		c.With(slog.String("db", "db0")).With(slog.String("position", "12:4096")).Error("two lines\nand \x1b[2J")
		if !strings.HasSuffix(out.String(), want) || json && strings.Count(out.String(), "\n") != 1 {
			t.Errorf("json %v: got %q, want %q", json, out.String(), want)
		}
	}
}

// TestMessagesShowAnything writes every text as what a terminal shows and does not act on.
func TestMessagesShowAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		text := make([]byte, 1+random.IntN(8))
		for i := range text {
			text[i] = byte(random.IntN(256))
		}
		var out bytes.Buffer
		console.New(&out, false, false).Warn(string(text))
		for _, r := range strings.TrimSuffix(out.String(), "\n") {
			if r != '\n' && !strconv.IsPrint(r) || r == utf8.RuneError {
				t.Fatalf("%q became %q", text, out.String())
			}
		}
	}
	var out bytes.Buffer
	console.New(&out, false, false).Warn("/data/\u7528\u6237 \ufffd")
	if got, want := out.String(), "pikabin: /data/\u7528\u6237 \ufffd\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestNoBar(t *testing.T) {
	for _, when := range []string{"auto", "never"} {
		var out bytes.Buffer
		bar := console.New(&out, false, when == "auto").Progress(when, 100)
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

// TestMessagesBesideABar shows messages while there is a bar and after it: they are on lines of their own, and nothing of
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
			t.Errorf("%s: after the bar comes %q", name, got)
		}
	}
}

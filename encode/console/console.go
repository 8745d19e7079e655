// Package console speaks to people: it writes messages and the progress bar to standard error.
package console

import (
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Console is where messages go, one line each. It is safe for concurrent use, with its bar and its status line.
type Console struct {
	json  *slog.Logger // nil for text; it writes whole lines
	quiet bool

	mu    sync.Mutex // over all that is written
	w     io.Writer
	live  bool   // something is drawn on the last line, or may be
	shown string // of the status line, as it stands there
}

// New makes a console on w. quiet drops what Info says.
func New(w io.Writer, json, quiet bool) *Console {
	c := &Console{w: w, quiet: quiet}
	if json {
		c.json = slog.New(slog.NewJSONHandler(w, nil))
	}
	return c
}

// Info says what goes on.
func (c *Console) Info(text string) {
	if !c.quiet {
		c.say((*slog.Logger).Info, text)
	}
}

// Warn says what the user should know.
func (c *Console) Warn(text string) { c.say((*slog.Logger).Warn, text) }

// Error says why the program ends.
func (c *Console) Error(text string) { c.say((*slog.Logger).Error, text) }

// clear takes what is drawn off the last line. The bar's own way of doing so writes as many spaces as it believes to have
// drawn, which are too few at first.
func (c *Console) clear() {
	if c.live {
		fmt.Fprint(c.w, "\r\x1b[K")
		c.shown = ""
	}
}

// begin says that the last line is drawn on from now on.
func (c *Console) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = true
}

// terminal gives the terminal that the console is, if it is one.
func (c *Console) terminal() (fd int, ok bool) {
	file, ok := c.w.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	return int(file.Fd()), term.IsTerminal(int(file.Fd()))
}

// draws decides whether something is drawn: auto (on a terminal), always or never.
func (c *Console) draws(when string) bool {
	_, terminal := c.terminal()
	return when == "always" || when == "auto" && terminal && !c.quiet
}

func (c *Console) say(log func(*slog.Logger, string, ...any), text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	if c.json != nil {
		log(c.json, text)
		return
	}
	fmt.Fprintf(c.w, "pikabin: %s\n", text)
}

// How often the bar is drawn, and how wide.
const (
	barInterval = 100 * time.Millisecond
	barWidth    = 40
)

// Bar is a progress bar, or nothing. A nil Bar is nothing.
type Bar struct {
	bar     *progressbar.ProgressBar
	console *Console
}

// Progress begins a bar over a number of bytes, 0 if it is not known. when is auto (on a terminal),
// always or never.
func (c *Console) Progress(when string, total int64) *Bar {
	if !c.draws(when) {
		return nil
	}
	if total <= 0 {
		total = -1
	}
	bar := &Bar{console: c, bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.w), progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true),
		progressbar.OptionShowTotalBytes(true), progressbar.OptionShowCount(), progressbar.OptionThrottle(barInterval),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		// Drawn by Add alone: a spinner that turns by itself would write between messages.
		progressbar.OptionSetSpinnerChangeInterval(0),
	)}
	c.begin()
	return bar
}

// Add moves the bar.
func (b *Bar) Add(n int64) {
	if b != nil {
		b.console.mu.Lock()
		defer b.console.mu.Unlock()
		b.bar.Add64(n) //nolint:errcheck,gosec // a bar that cannot be drawn is no reason to stop
	}
}

// Finish takes the bar off the screen, wherever it is.
func (b *Bar) Finish() {
	if b != nil {
		b.console.mu.Lock()
		defer b.console.mu.Unlock()
		b.console.clear()
		b.console.live = false
		b.bar.Exit() //nolint:errcheck,gosec // as in Add
	}
}

// Clear takes the bar off its line until the next Add draws it again.
func (b *Bar) Clear() {
	if b != nil {
		b.console.mu.Lock()
		defer b.console.mu.Unlock()
		b.console.clear()
	}
}

// Size is a number of bytes on the command line: 4096, 64KiB, 256MiB, 1GiB.
type Size int64

var units = []struct {
	name  string
	bytes int64
}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	number, factor := string(text), int64(1)
	for _, u := range units {
		if n, ok := strings.CutSuffix(number, u.name); ok {
			number, factor = n, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 64)
	if err != nil || n <= 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a size: expected a number with KiB, MiB or GiB, such as 256MiB", text)
	}
	*s = Size(n * factor)
	return nil
}

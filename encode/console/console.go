// Package console speaks to people: it writes messages and the progress bar to standard error.
package console

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"pikabin/decode/units"
)

// Console is where messages go. It is safe for concurrent use, with its bar and its status line.
type Console struct {
	*screen
	json  *slog.Logger // nil for text; it writes whole lines
	quiet bool
}

// screen is what the consoles of one run share.
type screen struct {
	now func() time.Time

	mu    sync.Mutex // over all that is written
	w     io.Writer
	vivid bool   // colours are shown
	live  bool   // something is drawn on the last line, or may be
	shown string // of the status line, as it is there
}

// New makes a console on w. quiet drops what Info says.
func New(w io.Writer, json, quiet bool) *Console {
	c := &Console{quiet: quiet, screen: &screen{w: w, now: time.Now, vivid: HasColour(w)}}
	if json {
		c.json = slog.New(slog.NewJSONHandler(w, nil))
	}
	return c
}

// With is a console whose messages carry fields for programs. They are written as members of the JSON of a message, and not in text, which
// has to say the same in words.
func (c *Console) With(fields ...slog.Attr) *Console {
	with := *c
	if c.json != nil {
		with.json = slog.New(c.json.Handler().WithAttrs(fields))
	}
	return &with
}

// Quietly is a console that drops what Info says.
func (c *Console) Quietly() *Console {
	quiet := *c
	quiet.quiet = true
	return &quiet
}

// Info says how the run is doing.
func (c *Console) Info(text string) {
	if !c.quiet {
		c.say((*slog.Logger).Info, "", text)
	}
}

// Warn says what the user should know.
func (c *Console) Warn(text string) { c.say((*slog.Logger).Warn, Yellow, text) }

// Error says why the program ends.
func (c *Console) Error(text string) { c.say((*slog.Logger).Error, Red, text) }

// say writes a message: as one line of JSON, or as lines of text that each begin with the name of the program, in a colour on a terminal.
func (c *Console) say(log func(to *slog.Logger, text string, args ...any), colour, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.clear()
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i, line := range lines {
		lines[i] = units.Visible(line)
	}
	if c.json != nil {
		log(c.json, strings.Join(lines, "; "))
		return
	}
	name := "pikabin:"
	if c.vivid && colour != "" {
		name = colour + name + Plain
	}
	fmt.Fprintf(c.w, "%s %s\n", name, strings.Join(lines, "\n"+name+" "))
}

// clear takes what is drawn off the last line. The bar's own way of doing so writes as many spaces as it believes to have
// drawn, which are too few at first.
func (c *screen) clear() {
	if c.live {
		fmt.Fprint(c.w, "\r\x1b[K")
		c.shown = ""
	}
}

// begin says that the last line is drawn on from now on.
func (c *screen) begin() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.live = true
}

// terminal gives the terminal that the console is, if it is one.
func (c *screen) terminal() (fd int, ok bool) {
	file, ok := c.w.(interface{ Fd() uintptr })
	if !ok {
		return 0, false
	}
	return int(file.Fd()), term.IsTerminal(int(file.Fd()))
}

// display is how progress is shown.
type display int

const (
	shownNowhere display = iota
	drawn                // on the last line of the screen, again and again
	told                 // as a message now and then, where there is no screen
)

// tellInterval is the time between two messages of progress.
const tellInterval = 30 * time.Second

// display decides how progress is shown: auto (drawn on a terminal, else told, but not with quiet), always (drawn) or never.
func (c *Console) display(when string) display {
	_, terminal := c.terminal()
	switch {
	case when == "always", when == "auto" && terminal && !c.quiet && c.json == nil:
		return drawn
	case when == "auto" && !c.quiet:
		return told
	}
	return shownNowhere
}

// Size is a number of bytes on the command line: 4096, 256MiB, 1G, 100MB.
type Size int64

// UnmarshalText reads a size.
func (s *Size) UnmarshalText(text []byte) error {
	n, err := units.ParseSize(string(text))
	if err == nil {
		*s = Size(n)
	}
	return err
}

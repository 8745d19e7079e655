package console

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"
)

// Status is one line that says how a run is doing, or nothing: at the bottom of the screen, or, where there is no screen, a message each
// half minute. A nil Status is nothing. There is a bar or a status line, not both.
type Status struct {
	console *Console
	drawn   bool
	told    time.Time
}

// Status begins a status line. when is auto (on a terminal; elsewhere a message now and then), always or never.
func (c *Console) Status(when string) *Status {
	how := c.display(when)
	switch how {
	case drawn:
		c.begin()
	case told:
	case shownNowhere:
		return nil
	}
	return &Status{console: c, drawn: how == drawn, told: c.now()}
}

// Show draws the line in place of the one before, as far as it fits. A message takes it off the screen until the next
// call. It is for one goroutine.
func (s *Status) Show(line string) {
	switch {
	case s == nil:
	case s.drawn:
		s.draw(line)
	case s.console.now().Sub(s.told) >= tellInterval:
		s.told = s.console.now()
		s.console.Info(line)
	}
}

func (s *Status) draw(line string) {
	c := s.console
	c.mu.Lock()
	defer c.mu.Unlock()
	line = fitting(line, c.width())
	if !c.live || line == c.shown {
		return
	}
	c.clear()
	fmt.Fprint(c.w, line)
	c.shown = line
}

// Finish takes the line off the screen for good.
func (s *Status) Finish() {
	if s != nil && s.drawn {
		s.console.mu.Lock()
		defer s.console.mu.Unlock()
		s.console.clear()
		s.console.live = false
	}
}

// width is how many characters fit on a line of the terminal, 0 if that is not known.
func (c *screen) width() int {
	fd, ok := c.terminal()
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(fd)
	if err != nil {
		return 0
	}
	return width
}

// fitting cuts a line so that it does not wrap, since only the last line of the screen can be taken off it; the cursor needs
// a place, too. A line may hold the text of an error, with anything in it.
func fitting(line string, width int) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, line))
	if width > 1 && len(runes) >= width {
		runes = runes[:width-1]
	}
	return string(runes)
}

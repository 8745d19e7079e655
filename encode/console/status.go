package console

import (
	"fmt"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// Status is one line at the bottom of the screen that says how things stand, or nothing. A nil Status is nothing. There
// is a bar or a status line, not both.
type Status struct{ console *Console }

// Status begins a status line. when is auto (on a terminal), always or never.
func (c *Console) Status(when string) *Status {
	if !c.draws(when) {
		return nil
	}
	c.begin()
	return &Status{console: c}
}

// Show draws the line in place of the one before, as far as it fits. A message takes it off the screen until the next
// call.
func (s *Status) Show(line string) {
	if s == nil {
		return
	}
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
	if s != nil {
		s.console.mu.Lock()
		defer s.console.mu.Unlock()
		s.console.clear()
		s.console.live = false
	}
}

// width is how many characters fit on a line of the terminal, 0 if that is not known.
func (c *Console) width() int {
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

package live

import (
	"context"
	"io"
	"slices"
	"strings"
	"time"

	"pikabin/encode/cli/traffic"
)

// What a terminal is told. The other screen of it is used, so that what was there before comes back; lines do not wrap, as a wide character may be
// wider than it was reckoned; and a frame is shown at once where the terminal knows how.
const (
	enter = "\x1b[?1049h\x1b[?25l\x1b[?7l"
	leave = "\x1b[?7h\x1b[?25h\x1b[?1049l"
	begin = "\x1b[?2026h\x1b[H"
	end   = "\x1b[J\x1b[?2026l"
)

// Screen is a terminal that shows a summary again and again.
type Screen struct {
	Terminal
	Title    string
	Interval time.Duration
	Summary  func() *traffic.Summary
	Message  func() string // the last one for the user
	Quit     func()        // is called when somebody has pressed q or Ctrl-C
	Zone     *time.Location
}

// Terminal is where it is shown.
type Terminal struct {
	Out  io.Writer
	Size func() (width, height int)
	Keys io.Reader // nil: there is no keyboard
}

// Show draws until the context ends, and leaves the terminal as it was.
func (s *Screen) Show(ctx context.Context) error {
	if _, err := io.WriteString(s.Out, enter); err != nil {
		return err
	}
	if s.Keys != nil {
		go s.listen() // it ends with the keyboard, or with the program
	}
	ticker := time.NewTicker(s.Interval)
	defer ticker.Stop()
	err := s.draw(ctx, ticker.C)
	if _, leaveErr := io.WriteString(s.Out, leave); err == nil {
		err = leaveErr
	}
	return err
}

func (s *Screen) draw(ctx context.Context, tick <-chan time.Time) error {
	var shown string
	var before Frame
	for {
		f := s.frame(&before)
		if text := picture(f.Lines()); text != shown {
			if _, err := io.WriteString(s.Out, text); err != nil {
				return err
			}
			shown = text
		}
		before = *f
		select {
		case <-tick:
		case <-ctx.Done():
			return nil
		}
	}
}

func (s *Screen) frame(before *Frame) *Frame {
	f := &Frame{Title: s.Title, Now: s.Summary(), Before: before.Now, Clock: time.Now().In(s.Zone), Message: s.Message()}
	f.Took = f.Clock.Sub(before.Clock)
	f.Width, f.Height = s.Size()
	return f
}

// picture is a frame as it is written, all of it at once: each line takes the place of the one before, so that nothing flickers.
func picture(lines []string) string {
	return begin + strings.Join(lines, "\x1b[K\r\n") + "\x1b[K" + end
}

// listen waits for somebody who has seen enough. On a keyboard that is not cooked Ctrl-C is a key as any other, and Ctrl-D, too.
func (s *Screen) listen() {
	key := make([]byte, 16)
	for {
		n, err := s.Keys.Read(key)
		if slices.ContainsFunc(key[:n], func(b byte) bool { return b == 'q' || b == 'Q' || b == 3 || b == 4 }) {
			s.Quit()
			return
		}
		if err != nil {
			return
		}
	}
}

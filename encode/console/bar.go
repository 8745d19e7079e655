package console

import (
	"fmt"
	"log/slog"
	"time"

	"github.com/schollz/progressbar/v3"

	"pikabin/decode/units"
)

// How often the bar is drawn, and how wide.
const (
	barInterval = 100 * time.Millisecond
	barWidth    = 40
)

// Bar shows how much of a number of bytes has been read, or nothing. A nil Bar is nothing.
type Bar struct {
	console *Console
	bar     *progressbar.ProgressBar // nil: it is told

	done, total int64 // total is -1 if it is not known
	began, told time.Time
}

// Progress begins a bar over a number of bytes, 0 if it is not known. when is auto (on a terminal; elsewhere a message each
// half minute), always or never.
func (c *Console) Progress(when string, total int64) *Bar {
	if total <= 0 {
		total = -1
	}
	b := &Bar{console: c, total: total, began: c.now(), told: c.now()}
	switch c.display(when) {
	case drawn:
		b.bar = c.newBar(total)
		c.begin()
	case told:
	case shownNowhere:
		return nil
	}
	return b
}

func (c *Console) newBar(total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(c.w), progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true),
		progressbar.OptionShowTotalBytes(true), progressbar.OptionShowCount(), progressbar.OptionThrottle(barInterval),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
		// Drawn by Add alone: a spinner that turns by itself would write between messages.
		progressbar.OptionSetSpinnerChangeInterval(0),
	)
}

// Add moves the bar.
func (b *Bar) Add(n int64) {
	if b == nil {
		return
	}
	b.console.mu.Lock()
	b.done += n
	if b.bar != nil {
		b.bar.Add64(n) //nolint:errcheck,gosec // a bar that cannot be drawn is no reason to stop
	}
	now := b.console.now()
	due := b.bar == nil && now.Sub(b.told) >= tellInterval
	if due {
		b.told = now
	}
	done, took := b.done, now.Sub(b.began)
	b.console.mu.Unlock()
	if due {
		b.tell(done, took)
	}
}

// tell says how far it is.
func (b *Bar) tell(done int64, took time.Duration) {
	speed := float64(done) / took.Seconds()
	fields := []slog.Attr{slog.Int64("bytes", done), slog.Int64("bytes_per_second", int64(speed))}
	text := units.FormatSize(done)
	if b.total > 0 {
		text += fmt.Sprintf(" of %s (%d%%)", units.FormatSize(b.total), min(100*done/b.total, 100))
		fields = append(fields, slog.Int64("total_bytes", b.total))
	}
	text += fmt.Sprintf(" read in %v, %s/s", took.Round(time.Second), units.FormatSize(int64(speed)))
	b.console.With(fields...).Info(text)
}

// Finish takes the bar off the screen, wherever it is.
func (b *Bar) Finish() {
	if b == nil || b.bar == nil {
		return
	}
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	b.console.clear()
	b.console.live = false
	b.bar.Exit() //nolint:errcheck,gosec // as in Add
}

// Clear takes the bar off its line until the next Add draws it again.
func (b *Bar) Clear() {
	if b == nil || b.bar == nil {
		return
	}
	b.console.mu.Lock()
	defer b.console.mu.Unlock()
	b.console.clear()
}

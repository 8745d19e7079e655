package console_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"pikabin/encode/console"
)

// TestStatus shows lines and messages: the last line is on the screen, messages stand above it, and nothing of it is
// left at the end.
func TestStatus(t *testing.T) {
	var out bytes.Buffer
	c := console.New(&out, false, false)
	status := c.Status("always")
	check := func(want ...string) {
		t.Helper()
		if got := strings.Join(screen(out.String()), "|"); got != strings.Join(want, "|") {
			t.Errorf("the screen shows %q, want %q", got, strings.Join(want, "|"))
		}
	}
	status.Show("a long line about db0")
	check("a long line about db0")
	status.Show("short")
	check("short")
	c.Warn("odd")
	check("pikabin: odd", "")
	status.Show("short")
	check("pikabin: odd", "short")
	status.Show("two\nlines\x1b[2J")
	check("pikabin: odd", "two lines [2J")
	status.Finish()
	check("pikabin: odd", "")
	status.Show("late")
	c.Info("done")
	check("pikabin: odd", "pikabin: done", "")
}

// TestStatusDrawsWhatHasChanged does not write the same line again.
func TestStatusDrawsWhatHasChanged(t *testing.T) {
	var out bytes.Buffer
	status := console.New(&out, false, false).Status("always")
	status.Show("idle")
	once := out.Len()
	status.Show("idle")
	if out.Len() != once {
		t.Errorf("drawn again: %q", out.String())
	}
}

func TestNoStatus(t *testing.T) {
	for _, when := range []string{"auto", "never"} {
		var out bytes.Buffer
		status := console.New(&out, false, when == "auto").Status(when)
		status.Show("line")
		status.Finish()
		if status != nil || out.Len() > 0 {
			t.Errorf("%s: a status line on what is no terminal: %q", when, out.String())
		}
	}
}

// TestConsoleFromManyGoroutines finds every message whole, on a line of its own.
func TestConsoleFromManyGoroutines(t *testing.T) {
	for name, draw := range map[string]func(c *console.Console) func(){
		"bar": func(c *console.Console) func() {
			bar := c.Progress("always", 1000)
			return func() { bar.Add(1); bar.Clear() }
		},
		"status line": func(c *console.Console) func() {
			status := c.Status("always")
			return func() { status.Show("on"); status.Show("off") }
		},
	} {
		var out bytes.Buffer
		c := console.New(&out, false, false)
		step := draw(c)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for range 50 {
					step()
					c.Warn("odd")
				}
			})
		}
		wg.Wait()
		lines := screen(out.String())
		for _, line := range lines[:len(lines)-1] {
			if line != "pikabin: odd" {
				t.Errorf("%s: a line %q", name, line)
			}
		}
		if len(lines) != 201 {
			t.Errorf("%s: %d lines", name, len(lines)-1)
		}
	}
}

package console

import (
	"bytes"
	"testing"
	"time"
)

// TestProgressIsTold finds a message each half minute where there is no terminal, and none before.
func TestProgressIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		show func(c *Console) func()
		want string
	}{
		"bar": {
			func(c *Console) func() {
				bar := c.Progress("auto", 4000)
				return func() { bar.Add(10); bar.Clear() }
			},
			"pikabin: 300 B of 3.9 KiB (7%) read in 30s, 10 B/s\npikabin: 600 B of 3.9 KiB (15%) read in 1m0s, 10 B/s\n",
		},
		"bar of unknown size": {
			func(c *Console) func() {
				bar := c.Progress("auto", 0)
				return func() { bar.Add(10) }
			},
			"pikabin: 300 B read in 30s, 10 B/s\npikabin: 600 B read in 1m0s, 10 B/s\n",
		},
		"status": {
			func(c *Console) func() {
				status := c.Status("auto")
				return func() { status.Show("db0 12:4096") }
			},
			"pikabin: db0 12:4096\npikabin: db0 12:4096\n",
		},
	} {
		var out bytes.Buffer
		console := New(&out, false, false)
		now := time.Now()
		console.now = func() time.Time { return now }
		step := c.show(console)
		for range 75 {
			now = now.Add(time.Second)
			step()
		}
		if out.String() != c.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, out.String(), c.want)
		}
	}
}

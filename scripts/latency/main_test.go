package main

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

var base = time.Unix(1_700_000_000, 0)

// lines are committed one each millisecond.
func lines(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"key":"k","value":"seq=%d t=%d abc"}`+"\n", i, base.Add(time.Duration(i)*time.Millisecond).UnixNano())
	}
	return b.String()
}

func measure(t *testing.T, in io.Reader, came time.Time, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(args, in, &out, func() time.Time { return came }); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out.String())
}

func TestAgesOfLines(t *testing.T) {
	text := lines(100)
	came := base.Add(100 * time.Millisecond)
	for _, c := range []struct {
		name, in, want string
		args           []string
	}{
		{"all", text, "count=100 p50=50000 p99=99000 max=100000 last=1000 bytes=5490 lines=100 machine=0", nil},
		{"the first ones skipped", text, "count=10 p50=5000 p99=10000 max=10000 last=1000 bytes=5490 lines=100 machine=0", []string{"--skip", "90ms"}},
		{"none", "", "count=0 p50=0 p99=0 max=0 last=0 bytes=0 lines=0 machine=0", nil},
		{"no stamp, and no end", "{}\n" + strings.TrimSuffix(lines(1), "\n"), "count=0 p50=0 p99=0 max=0 last=0 bytes=56 lines=1 machine=0", nil},
		{"from the future", fmt.Sprintf("x t=%d\n", came.Add(time.Second).UnixNano()), "count=1 p50=0 p99=0 max=0 last=0 bytes=24 lines=1 machine=0", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, in := range map[string]io.Reader{
				"in one piece": strings.NewReader(c.in), "byte by byte": iotest.OneByteReader(strings.NewReader(c.in)),
			} {
				if got := measure(t, in, came, c.args...); got != c.want {
					t.Errorf("%s: got %s, want %s", name, got, c.want)
				}
			}
		})
	}
}

func TestLineTooLong(t *testing.T) {
	in := strings.NewReader(strings.Repeat("x", bufferSize+1))
	if err := run(nil, in, io.Discard, time.Now); err == nil {
		t.Error("no error")
	}
}

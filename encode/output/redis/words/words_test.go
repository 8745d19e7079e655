package words

import (
	"slices"
	"strings"
	"testing"
)

// FuzzWords reads back what was written.
func FuzzWords(f *testing.F) {
	f.Add("SET", "k\r\n", "v", 3)
	f.Fuzz(func(t *testing.T, a, b, c string, n int) {
		n = min(max(n, 0), 20)
		var commands []byte
		for range n {
			commands = Append(commands, a, b)
		}
		commands = Append(commands, a, b, c)
		if got := Count(commands); got != n+1 {
			t.Errorf("%d of %d commands", got, n+1)
		}
		var args []string
		for _, arg := range Args(commands, n) {
			args = append(args, string(arg))
		}
		if !slices.Equal(args, []string{a, b, c}) {
			t.Errorf("%q", args)
		}
		Describe(Args(commands, n))
	})
}

// TestDescribe shows commands to people.
func TestDescribe(t *testing.T) {
	for want, args := range map[string][]string{
		"SET k v":                         {"set", "k", "v"},
		`SET "a b" "\x00"`:                {"set", "a b", "\x00"},
		"PING":                            {"ping"},
		"a script for k 17 v":             {"eval", "return 1", "1", "k", "17", "v"},
		"DEL 1 2 3 4 5 6 … (7 arguments)": {"del", "1", "2", "3", "4", "5", "6", "7"},
		`SET k ` + strings.Repeat("x", 40) + "…": {"set", "k", strings.Repeat("x", 50)},
		`SET k ""`: {"set", "k", ""},
	} {
		var all [][]byte
		for _, arg := range args {
			all = append(all, []byte(arg))
		}
		if got := Describe(all); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

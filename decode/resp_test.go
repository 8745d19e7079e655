package decode

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// appendRESP writes a command as a server does.
func appendRESP(dst []byte, argv [][]byte) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(argv)), 10)
	dst = append(dst, "\r\n"...)
	for _, arg := range argv {
		dst = append(dst, '$')
		dst = strconv.AppendInt(dst, int64(len(arg)), 10)
		dst = append(dst, "\r\n"...)
		dst = append(dst, arg...)
		dst = append(dst, "\r\n"...)
	}
	return dst
}

func arguments(list ...string) [][]byte {
	argv := make([][]byte, len(list))
	for i, arg := range list {
		argv[i] = []byte(arg)
	}
	return argv
}

func TestParseCommand(t *testing.T) {
	for _, argv := range [][][]byte{
		arguments("INCR"),
		arguments("SET", "", ""),
		arguments("SET", "k", "$3\r\nabc\r\n"),
		arguments("SET", strings.Repeat("k", 9), strings.Repeat("v", 10)),
		arguments("SET", strings.Repeat("k", 99), strings.Repeat("v", 100)),
		arguments("SET", strings.Repeat("k", 1000), strings.Repeat("v", 100_000)),
		arguments(strings.Split(strings.Repeat("a,", 1200), ",")...),
	} {
		b := appendRESP(nil, argv)
		for _, rest := range []string{"", "\x00", "*1\r\n$1\r\na\r\n"} {
			got, n, err := parseCommand(append(slices.Clip(b), rest...), nil)
			if err != nil || n != len(b) {
				t.Fatalf("%.40q before %q: %d bytes, %v", b, rest, n, err)
			}
			if diff := cmp.Diff(argv, got); diff != "" {
				t.Errorf("%.40q (-want +got):\n%s", b, diff)
			}
		}
	}
}

func TestParseCommandLeadingZeros(t *testing.T) {
	got, _, err := parseCommand([]byte("*2\r\n$7\r\npadding\r\n$00003\r\n***\r\n"), nil)
	if diff := cmp.Diff(arguments("padding", "***"), got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// TestParseCommandErrors has one thing wrong in each; at is its first byte.
func TestParseCommandErrors(t *testing.T) {
	for name, tt := range map[string]struct {
		text string
		at   int
	}{
		"nothing":                  {"", 0},
		"inline":                   {"PING\r\n", 0},
		"no arguments":             {"*0\r\n", 1},
		"negative arguments":       {"*-1\r\n", 1},
		"number without line end":  {"*1", 1},
		"number with a line feed":  {"*1\n$1\r\na\r\n", 1},
		"too few arguments":        {"*2\r\n$1\r\na\r\n", 11},
		"an argument of other":     {"*1\r\n:1\r\n", 4},
		"null":                     {"*1\r\n$-1\r\n", 5},
		"length of letters":        {"*1\r\n$a\r\na\r\n", 5},
		"length without digits":    {"*1\r\n$\r\na\r\n", 5},
		"length beyond the record": {"*1\r\n$9\r\na\r\n", 4},
		"length that overflows":    {"*1\r\n$99999999999999999999\r\na\r\n", 5},
		"argument without its end": {"*1\r\n$1\r\nabc", 9},
		"argument cut off":         {"*1\r\n$1\r\na\r", 4},
	} {
		_, _, err := parseCommand([]byte(tt.text), nil)
		var bad *respError
		if !errors.As(err, &bad) || bad.at != tt.at || !errors.Is(err, ErrBadRESP) {
			t.Errorf("%s: %#v, want an error at %d", name, err, tt.at)
		}
	}
}

func FuzzRESP(f *testing.F) {
	f.Add([]byte("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$12\r\nhello world!\r\n"))
	f.Add([]byte("*2\r\n$7\r\npadding\r\n$00003\r\n***\r\n"))
	f.Add([]byte("*10\r\n$0\r\n\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		argv, n, err := parseCommand(b, nil)
		if err != nil {
			if n < 0 || n > len(b) {
				t.Fatalf("error at %d of %d", n, len(b))
			}
			return
		}
		canonical := appendRESP(nil, argv)
		again, m, err := parseCommand(canonical, nil)
		if err != nil || m != len(canonical) || !cmp.Equal(argv, again) {
			t.Fatalf("%q became %q", b, canonical)
		}
		if len(canonical) > n || len(canonical) == n && !bytes.Equal(canonical, b[:n]) {
			t.Fatalf("%q is %d bytes, but %d when written again: %q", b, n, len(canonical), canonical)
		}
	})
}

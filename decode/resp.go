package decode

import (
	"encoding/binary"
	"fmt"
	"slices"
)

// respError is where in a payload RESP stops making sense.
type respError struct {
	at   int
	what string
}

func (e *respError) Error() string { return fmt.Sprintf("%v: %s", ErrBadRESP, e.what) }

func (*respError) Unwrap() error { return ErrBadRESP }

// parseCommand reads one RESP array of bulk strings at the start of b. The arguments are appended to
// argv as slices of b; n is how long the array is. Lengths may have leading zeros, as padding items
// do (see Payload in the package comment). Nothing is allocated but what argv grows by.
func parseCommand(b []byte, argv [][]byte) (args [][]byte, n int, err error) {
	if len(b) == 0 || b[0] != '*' {
		return argv, 0, &respError{0, "expected *"}
	}
	argc, i := parseLength(b, 1)
	if i < 0 || argc < 1 {
		return argv, 0, &respError{1, "bad number of arguments"}
	}
	return parseArgs(b, i, argc, argv)
}

// parseArgs reads argc bulk strings from i on.
func parseArgs(b []byte, i, argc int, argv [][]byte) (args [][]byte, n int, err error) {
	if argc > cap(argv) && argc <= (len(b)-i)/emptyArg {
		argv = slices.Grow(argv, argc) // at once: there may be millions
	}
	for range argc {
		// Nearly all lengths have one or two digits: "$3\r\n" or "$42\r\n", read with one load.
		size, start := 0, -1
		if i+8 <= len(b) {
			word := binary.LittleEndian.Uint64(b[i:])
			one, two := byte(word>>8)-'0', byte(word>>16)-'0'
			switch {
			case word&0xffff0000ff == '$'|lineEnd<<24 && one <= 9 && two <= 9:
				size, start = int(one)*10+int(two), i+5
			case word&0xffff00ff == '$'|lineEnd<<16 && one <= 9:
				size, start = int(one), i+4
			}
		}
		if start < 0 {
			if i >= len(b) || b[i] != '$' {
				return argv, i, &respError{i, "expected $"}
			}
			if size, start = parseLength(b, i+1); start < 0 {
				return argv, i, &respError{i + 1, "bad length of an argument"}
			}
		}
		end := start + size
		if end > len(b)-2 {
			return argv, i, &respError{i, "argument runs past its record"}
		}
		if binary.LittleEndian.Uint16(b[end:]) != lineEnd {
			return argv, end, &respError{end, "argument does not end where its length says"}
		}
		argv = append(argv, b[start:end:end])
		i = end + 2
	}
	return argv, i, nil
}

// shortName reads the head of nearly every command, "*3\r\n$3\r\nSET\r\n", with two loads: fewer than ten
// arguments, and a name of at most nine bytes. next is after it, or 0 for any other head.
func shortName(b []byte) (argc, next int, cmd *Command) {
	if len(b) < 19 {
		return 0, 0, nil
	}
	word := binary.LittleEndian.Uint64(b)
	args, size := byte(word>>8)-'0', byte(word>>40)-'0'
	if word&0xffff_00ff_ffff_00ff != '*'|lineEnd<<16|'$'<<32|lineEnd<<48 || args-1 > 8 || size-1 > 8 {
		return 0, 0, nil
	}
	end := 8 + int(size)
	if binary.LittleEndian.Uint16(b[end:]) != lineEnd {
		return 0, 0, nil
	}
	if size > 8 {
		return int(args), end + 2, LookupCommand(b[8:end])
	}
	return int(args), end + 2, lookupWord(binary.LittleEndian.Uint64(b[8:]), b[8:end])
}

// emptyArg is what an argument takes at least: "$0\r\n\r\n".
const emptyArg = 6

// lineEnd is "\r\n" as a little-endian word.
const lineEnd = '\r' | '\n'<<8

// parseLength reads decimal digits from i on and the line end after them; next is -1 if they are not
// there.
func parseLength(b []byte, i int) (n, next int) {
	first := i
	for ; i < len(b); i++ {
		digit := b[i] - '0'
		if digit > 9 {
			break
		}
		if n > (1<<40)/10 {
			return 0, -1
		}
		n = n*10 + int(digit)
	}
	if i == first || i+1 >= len(b) || b[i] != '\r' || b[i+1] != '\n' {
		return 0, -1
	}
	return n, i + 2
}

package decode

import "fmt"

// respError is where in a payload RESP stops making sense.
type respError struct {
	at   int
	what string
}

func (e *respError) Error() string { return fmt.Sprintf("%v: %s", ErrBadRESP, e.what) }

func (e *respError) Unwrap() error { return ErrBadRESP }

// parseCommand reads one RESP array of bulk strings at the start of b. The arguments are appended to
// argv as slices of b; n is how long the array is. Lengths may have leading zeros, as padding items
// do (binlog-format, section 10). Nothing is allocated but what argv grows by, and an argument takes
// at least six bytes of b.
func parseCommand(b []byte, argv [][]byte) (args [][]byte, n int, err error) {
	if len(b) == 0 || b[0] != '*' {
		return argv, 0, &respError{0, "expected *"}
	}
	argc, i := parseLength(b, 1)
	if i < 0 || argc < 1 {
		return argv, 0, &respError{1, "bad number of arguments"}
	}
	for range argc {
		if i >= len(b) || b[i] != '$' {
			return argv, i, &respError{i, "expected $"}
		}
		var size, start int
		// One and two digits are nearly all there are.
		switch {
		case i+3 < len(b) && b[i+2] == '\r' && b[i+3] == '\n' && b[i+1]-'0' <= 9:
			size, start = int(b[i+1]-'0'), i+4
		case i+4 < len(b) && b[i+3] == '\r' && b[i+4] == '\n' && b[i+1]-'0' <= 9 && b[i+2]-'0' <= 9:
			size, start = int(b[i+1]-'0')*10+int(b[i+2]-'0'), i+5
		default:
			if size, start = parseLength(b, i+1); start < 0 {
				return argv, i, &respError{i + 1, "bad length of an argument"}
			}
		}
		end := start + size
		if end+2 > len(b) || end < start {
			return argv, i, &respError{i, "argument runs past its record"}
		}
		if b[end] != '\r' || b[end+1] != '\n' {
			return argv, end, &respError{end, "argument does not end where its length says"}
		}
		argv = append(argv, b[start:end:end])
		i = end + 2
	}
	return argv, i, nil
}

// parseLength reads decimal digits from i on and the line end behind them; next is -1 if they are not
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

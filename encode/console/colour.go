package console

import (
	"io"
	"os"

	"golang.org/x/term"
)

// How a terminal draws text.
const (
	Bold   = "\x1b[1m"
	Red    = "\x1b[31m"
	Yellow = "\x1b[33m"
	Cyan   = "\x1b[36m"
	Plain  = "\x1b[0m"
)

// HasColour says whether text may be coloured there: on a terminal that can, whose user has not asked for none (https://no-color.org).
func HasColour(w io.Writer) bool {
	file, ok := w.(interface{ Fd() uintptr })
	if !ok || os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" {
		return false
	}
	return term.IsTerminal(int(file.Fd()))
}

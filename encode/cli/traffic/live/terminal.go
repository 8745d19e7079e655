package live

import (
	"io"
	"os"

	"golang.org/x/term"
)

// The size of a terminal that does not tell its own, as over some serial lines.
const (
	usualWidth  = 80
	usualHeight = 24
)

// Open takes a terminal: its keys come one by one from now on. restore gives it back. ok is false if out is no terminal.
func Open(out io.Writer, in *os.File) (t Terminal, restore func(), ok bool) {
	file, ok := out.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return t, nil, false
	}
	t = Terminal{Out: out, Size: func() (int, int) { return sizeOf(file) }}
	restore = func() {}
	if term.IsTerminal(int(in.Fd())) {
		if was, err := term.MakeRaw(int(in.Fd())); err == nil {
			t.Keys = in
			restore = func() { _ = term.Restore(int(in.Fd()), was) }
		}
	}
	return t, restore, true
}

func sizeOf(file *os.File) (width, height int) {
	width, height, err := term.GetSize(int(file.Fd()))
	if err != nil || width < 1 || height < 1 {
		return usualWidth, usualHeight
	}
	return width, height
}

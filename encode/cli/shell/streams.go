package shell

import (
	"io"

	"pikabin/encode/cli/build"
	"pikabin/encode/cli/piped"
	"pikabin/encode/console"
	"pikabin/encode/sink"
)

// Streams are what a command may write to, and which program writes.
type Streams struct {
	Stdout  Results
	Console *console.Console
	Stdin   piped.Input
	Quiet   bool // only warnings and errors on the console
	Program build.Info
}

// Results is standard output, whose errors are those of a sink. The sink itself writes to what is within.
type Results struct{ io.Writer }

func (r Results) Write(p []byte) (int, error) {
	n, err := r.Writer.Write(p)
	if err != nil {
		err = &sink.Error{Err: err}
	}
	return n, err
}

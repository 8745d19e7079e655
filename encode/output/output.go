// Package output is the table of outputs.
package output

import (
	"fmt"
	"slices"

	"pikabin/encode/output/file"
	"pikabin/encode/output/folder"
	"pikabin/encode/output/kafka"
	"pikabin/encode/output/stream"
	"pikabin/encode/sink"
)

// types are the outputs that there are, sorted by name. A value of --output means the first one that it matches.
var types = []sink.Type{file.Type, folder.Type, kafka.Type, stream.Type}

// Types lists the outputs that there are, sorted by name.
func Types() []sink.Type { return slices.Clone(types) }

// Open opens the output that a value of --output means.
func Open(o sink.Options) (sink.Sink, error) {
	for _, t := range types {
		if t.Matches(o.Target) {
			return t.Open(o)
		}
	}
	return nil, fmt.Errorf("output %q: no output has this form", o.Target)
}

// Variables are the names of the environment variables that outputs take besides those of the flags.
func Variables() []string { return kafka.Variables() }

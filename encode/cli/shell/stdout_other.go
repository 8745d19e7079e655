//go:build !unix

package shell

import "io"

// Events is standard output as it is.
func Events(w io.Writer) io.Writer { return w }

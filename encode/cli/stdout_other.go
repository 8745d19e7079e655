//go:build !unix

package cli

import "io"

// events is standard output as it is.
func events(w io.Writer) io.Writer { return w }

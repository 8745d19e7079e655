//go:build !unix

package cli

import "io"

// standardOutput is standard output as it is.
func standardOutput(w io.Writer) io.Writer { return w }

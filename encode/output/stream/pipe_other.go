//go:build !unix

package stream

import "os"

// watchReader does nothing where a pipe does not tell of its reader: the next write does.
func watchReader(*os.File, chan<- error) (end func()) { return func() {} }

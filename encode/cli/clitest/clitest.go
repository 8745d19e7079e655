//go:build unix

// Package clitest runs the program as a process of its own, for tests.
package clitest

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/decode/binlogtest/testmain"
	"pikabin/encode/cli"
)

// Main is the TestMain of a package whose tests start the program. The test binary is run once more for each process: as pikabin
// or pikasim under these names, with the garbage collected as always, and as the writer that process.Start has started.
func Main(m *testing.M) {
	if process.IsChild() {
		simulate()
	}
	testscript.Main(testmain.Seldom{M: m}, map[string]func(){"pikabin": program, "pikasim": simulate})
}

func program() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr, "")) }

func simulate() { os.Exit(process.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

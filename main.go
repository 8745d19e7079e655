// Pikabin turns the binlog that a Pika server leaves on its disk into a change stream that other
// programs can use.
package main

import (
	"os"

	"pikabin/encode/cli"
)

// version is set by the linker in releases.
var version string

func main() { os.Exit(cli.Run(os.Args[1:], os.Stdout, os.Stderr, version)) }

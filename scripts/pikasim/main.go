//go:build unix

// Pikasim does on a real folder what a running Pika does:
//
//	go run ./scripts/pikasim --rate 50000 --duration 10s --stamp --journal /tmp/journal /tmp/log
//
// Its input takes commands, one a line; --help lists them.
package main

import (
	"os"

	"pikabin/decode/binlogtest/pikasim/process"
)

func main() {
	os.Exit(process.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) //nolint:forbidigo // this is main
}

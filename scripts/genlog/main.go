// Genlog writes a log folder to measure with, as a clean stop of Pika 4.0 would leave it:
//
//	go run ./scripts/genlog --case small --size 512MiB /tmp/small
//
// makes /tmp/small/log_db0 with a manifest and segments of 100 MiB. The same case and size give the
// same bytes.
package main

import (
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"pikabin/decode/binlogtest"
	"pikabin/decode/units"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("genlog: ")
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("genlog", flag.ContinueOnError)
	name := flags.String("case", "small", "small, medium, bulky or large")
	sizeText := flags.String("size", "512MiB", "bytes of all segments, at least")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	workload, ok := workloads[*name]
	if !ok {
		return fmt.Errorf("there is no case %q: expected small, medium, bulky or large", *name)
	}
	size, err := units.ParseSize(*sizeText)
	if err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("got %d folders, expected one", flags.NArg())
	}
	return generate(filepath.Join(flags.Arg(0), "log_db0"), size, workload())
}

// generate writes the log segment by segment to a folder that must not be there: older segments in it would
// be part of the log.
func generate(dir string, size int64, command func([]string) []string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o750); err != nil {
		return fmt.Errorf("making the folder: %w", err)
	}
	if err := os.Mkdir(dir, 0o750); err != nil {
		return fmt.Errorf("making the log folder: %w", err)
	}
	w := binlogtest.NewWriter(binlogtest.Options{Discard: true})
	var finished int64
	var argv []string
	for n := 1; finished+w.Position().Offset < size; n++ {
		argv = command(argv[:0])
		w.Command(argv...)
		for _, s := range w.Take() {
			finished += int64(len(s.Bytes))
			if err := binlogtest.WriteSegment(dir, s); err != nil {
				return err
			}
		}
		if n%1000 == 0 {
			w.Advance(1)
		}
	}
	return w.WriteDir(dir)
}

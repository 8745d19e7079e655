// Package scan gives tests what a reader finds in a log: its records, one after another, from the beginning to the end that the
// manifest names.
package scan

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlog"
)

// Visit is called for each record with commands. What it is given holds until it returns.
type Visit func(c *decode.Chunk, rec *decode.Record, commands [][][]byte)

// Folder visits the records of a folder with one log. Ranges that are missing are passed over; the error is the first damage.
// Whatever else goes wrong ends the test.
func Folder(tb testing.TB, dir string, g decode.Generation, found Visit) error {
	tb.Helper()
	logs, err := binlog.Find([]string{dir}, binlog.Options{Generation: g})
	must(tb, err)
	l := logs[0]
	plan := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer plan.Close()
	d, err := decode.NewDecoder(decode.DecoderOptions{Pika: g})
	must(tb, err)
	for {
		c, err := plan.Next(tb.Context())
		if errors.Is(err, io.EOF) {
			return nil
		}
		must(tb, err)
		if c.Missing == nil {
			err = visitChunk(tb, d, &c, found)
		}
		c.Release()
		if err != nil {
			return err
		}
	}
}

func visitChunk(tb testing.TB, d *decode.Decoder, c *decode.Chunk, found Visit) error {
	tb.Helper()
	var s decode.Scanner
	s.Reset(c.Blocks, c.Span)
	var rec decode.Record
	for {
		if err := s.Next(&rec); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("write2file%d: %w", c.Segment, err)
		}
		if rec.Filler {
			continue
		}
		must(tb, d.Decode(&c.Span, &rec))
		if commands := commandsOf(d); commands != nil {
			found(c, &rec, commands)
		}
	}
}

func commandsOf(d *decode.Decoder) [][][]byte {
	var commands [][][]byte
	for _, e := range d.Entries() {
		if !e.Padding {
			commands = append(commands, e.Argv)
		}
	}
	return commands
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

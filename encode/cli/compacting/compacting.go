// Package compacting tells what a run of compact has done, partition by partition and at its end.
package compacting

import (
	"fmt"
	"io"
	"strconv"

	"pikabin/decode/units"
	"pikabin/encode/compact"
)

// Tally counts what came of partitions, and prints a line for each one of which something was made.
type Tally struct {
	Out  io.Writer
	Warn func(text string)

	Copies bool // objects are made of parts, which stay
	DryRun bool // nothing is made

	Refused int // partitions that were left as they are, and will be at the next time

	partitions, done, parts, after, waiting int
}

// Tell takes what came of a partition.
func (t *Tally) Tell(p *compact.Outcome) error {
	t.partitions++
	switch {
	case p.Waits:
		t.waiting++
	case p.Why != nil:
		t.Refused++
		t.Warn(fmt.Sprintf("%s is left as it is: %v", p.Dir, p.Why))
	case p.Parts > p.Merged || t.Copies:
		return t.print(p)
	}
	return nil
}

// print prints what was made of a partition, or would be.
func (t *Tally) print(p *compact.Outcome) error {
	t.done++
	t.parts, t.after = t.parts+p.Parts, t.after+p.Merged
	line := fmt.Sprintf("%s: %s of %s would become %s", p.Dir, counted(p.Parts, "part"), units.FormatSize(p.Bytes), t.made(p.Merged))
	if !t.DryRun {
		line = fmt.Sprintf("%s: %s of %s became %s of %s", p.Dir, counted(p.Parts, "part"), units.FormatSize(p.Bytes), t.made(p.Merged), units.FormatSize(p.After))
	}
	_, err := fmt.Fprintln(t.Out, line)
	return err
}

// made is how many parts or objects were made.
func (t *Tally) made(n int) string {
	if t.Copies {
		return counted(n, "object")
	}
	return strconv.Itoa(n)
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// String is the end of the run for people.
func (t *Tally) String() string {
	do, done := "merge", "merged"
	if t.Copies {
		do, done = "copy", "copied"
	}
	if t.DryRun {
		done = "would be " + done
	}
	if t.partitions == 0 {
		return "no partition has parts to " + do
	}
	text := fmt.Sprintf("%d of %d partitions %s: %s to %s", t.done, t.partitions, done, counted(t.parts, "part"), t.made(t.after))
	if t.waiting > 0 {
		text += fmt.Sprintf("; %d wait for a later time", t.waiting)
	}
	return text
}

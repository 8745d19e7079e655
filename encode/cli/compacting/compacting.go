// Package compacting tells what a run of compact has done, partition by partition and at its end.
package compacting

import (
	"context"
	"fmt"
	"io"

	"pikabin/decode/units"
	"pikabin/encode/compact"
	"pikabin/encode/output/object/s3"
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
	what := ""
	if t.Copies {
		what = " objects"
	}
	line := fmt.Sprintf("%s: %d parts of %s would become %d%s", p.Dir, p.Parts, units.FormatSize(p.Bytes), p.Merged, what)
	if !t.DryRun {
		line = fmt.Sprintf("%s: %d parts of %s became %d%s of %s", p.Dir, p.Parts, units.FormatSize(p.Bytes), p.Merged, what, units.FormatSize(p.After))
	}
	_, err := fmt.Fprintln(t.Out, line)
	return err
}

// String is the end of the run for people.
func (t *Tally) String() string {
	done, made := "merged", ""
	if t.Copies {
		done, made = "copied", " objects"
	}
	text := fmt.Sprintf("%d of %d partitions %s: %d parts to %d%s", t.done, t.partitions, done, t.parts, t.after, made)
	if t.waiting > 0 {
		text += fmt.Sprintf("; %d wait for a later time", t.waiting)
	}
	return text
}

// Copy copies a folder into a bucket.
func Copy(ctx context.Context, o compact.Options, to *s3.Target) error {
	bucket, err := s3.Open(to)
	if err != nil {
		return err
	}
	defer bucket.Close()
	return compact.Copy(ctx, o, bucket, to.Checked)
}

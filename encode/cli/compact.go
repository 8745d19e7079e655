package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
	"pikabin/encode/compact"
	"pikabin/encode/console"
	"pikabin/encode/run"
	"pikabin/encode/vfs"
)

// compactCommand merges the parts of partitions.
type compactCommand struct {
	Folder    string        `arg:"" name:"folder" placeholder:"DIR/" help:"A folder that was written with --partition hive."`
	OlderThan time.Duration `placeholder:"TIME" default:"2h" help:"Only partitions to which nothing was written for this long. Default: ${default}."`
	Target    console.Size  `placeholder:"SIZE" default:"256MiB" help:"Parts are merged up to this size. Default: ${default}."`
	Keep      time.Duration `placeholder:"TIME" default:"1h" help:"How long the parts of before are kept in the staging folder. Default: ${default}."`
	Staging   string        `placeholder:"DIR" help:"Where the merged parts are made: a folder on the same file system, and not in that of the table. Default: a hidden folder beside it."`
	Workers   int           `placeholder:"N" help:"Workers that make a Parquet file. Default: one for each CPU."`
	DryRun    bool          `help:"Only tell what would be merged."`
}

// Help is shown by compact --help.
func (*compactCommand) Help() string {
	return `Examples:

  pikabin compact /data/changes/
  pikabin compact /data/changes/ --older-than 6h --target 1GiB --dry-run

The parts of each partition that gets no more of them become few: of Parquet, Avro, JSON lines and Protobuf, compressed or not. Readers find the
parts of before or those of after, and never an event twice or none; one that has listed the files of before may have to list them once more. It can run
beside the tail or convert that writes the folder, and again after it was killed. Folders with anything else in them are left as they are.
Exit code 1: some partition could not be merged, which is told.`
}

// Run merges, and prints a line for each partition that is merged.
func (c *compactCommand) Run(ctx context.Context, s *shell.Streams) error {
	o, err := c.options(s)
	if err != nil {
		return exit.Misuse(err)
	}
	t := compactTally{}
	o.Tell = func(p *compact.Outcome) error { return t.tell(s, p, c.DryRun) }
	if err := compact.Run(ctx, o); err != nil {
		return err
	}
	s.Console.Info(t.String())
	if t.refused > 0 {
		return fmt.Errorf("%w: a partition was left as it is", exit.ErrReported)
	}
	return nil
}

func (c *compactCommand) options(s *shell.Streams) (o compact.Options, err error) {
	if strings.Contains(c.Folder, "://") {
		return o, fmt.Errorf("%s is no folder: objects of a bucket cannot be exchanged at once, so that readers would find events twice or not at all", c.Folder)
	}
	if c.Workers < 0 || c.Target <= 0 {
		return o, errors.New("--workers and --target cannot be negative, nor the target nothing")
	}
	dir, err := vfs.RealPath(c.Folder)
	if err != nil {
		return o, err
	}
	staging := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".compact")
	if c.Staging != "" {
		staging = filepath.Clean(c.Staging)
	}
	if inside, err := vfs.Inside(staging, dir); inside || err != nil {
		return o, errors.Join(err, fmt.Errorf("--staging %s is in %s, where readers of the table would find it: name a folder outside of it, on the same file system", staging, dir))
	}
	guard := run.NewGuard(nil)
	if err := cmp.Or(guard.Outside("folder", dir), guard.Outside("staging folder", staging)); err != nil {
		return o, err
	}
	workers := c.Workers
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	return compact.Options{
		Dir: dir, Staging: staging, OlderThan: c.OlderThan, Target: int64(c.Target), Keep: c.Keep, DryRun: c.DryRun, Workers: workers, Version: s.Program.Version,
	}, nil
}

// compactTally counts what came of partitions.
type compactTally struct {
	partitions, merged, parts, after, waiting, refused int
}

// tell tells what came of a partition.
func (t *compactTally) tell(s *shell.Streams, p *compact.Outcome, dry bool) error {
	t.partitions++
	switch {
	case p.Waits:
		t.waiting++
	case p.Why != nil:
		t.refused++
		s.Console.Warn(fmt.Sprintf("%s is left as it is: %v", p.Dir, p.Why))
	case p.Parts > p.Merged:
		return t.tellMerged(s, p, dry)
	}
	return nil
}

// tellMerged prints what was merged, or would be.
func (t *compactTally) tellMerged(s *shell.Streams, p *compact.Outcome, dry bool) error {
	t.merged++
	t.parts, t.after = t.parts+p.Parts, t.after+p.Merged
	line := fmt.Sprintf("%s: %d parts of %s would become %d", p.Dir, p.Parts, units.FormatSize(p.Bytes), p.Merged)
	if !dry {
		line = fmt.Sprintf("%s: %d parts of %s became %d of %s", p.Dir, p.Parts, units.FormatSize(p.Bytes), p.Merged, units.FormatSize(p.After))
	}
	_, err := fmt.Fprintln(s.Stdout, line)
	return err
}

// String is the end of the run for people.
func (t *compactTally) String() string {
	text := fmt.Sprintf("%d of %d partitions merged: %d parts to %d", t.merged, t.partitions, t.parts, t.after)
	if t.waiting > 0 {
		text += fmt.Sprintf("; %d wait for a later time", t.waiting)
	}
	return text
}

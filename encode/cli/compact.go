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

	"pikabin/encode/cli/compacting"
	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/shell"
	"pikabin/encode/compact"
	"pikabin/encode/console"
	"pikabin/encode/output/object/places"
	"pikabin/encode/run"
	"pikabin/encode/vfs"
)

// compactCommand merges the parts of partitions.
type compactCommand struct {
	Folder    string         `arg:"" name:"folder" placeholder:"DIR/" help:"A folder that was written with --partition hive."`
	To        string         `placeholder:"URL" help:"Write the merged parts into a bucket, s3://BUCKET/PREFIX/, or HDFS, webhdfs://NAMENODE:9870/PATH/, as a second copy. The folder stays as it is."`
	OlderThan time.Duration  `placeholder:"TIME" default:"2h" help:"Only partitions to which nothing was written for this long. Default: ${default}."`
	Target    console.Size   `placeholder:"SIZE" default:"256MiB" help:"Parts are merged up to this size. Default: ${default}."`
	Keep      *time.Duration `placeholder:"TIME" help:"How long the parts of before are kept in the staging folder. Default: 1h."`
	Staging   string         `placeholder:"DIR" help:"Where the merged parts are made: a folder on the same file system, and not in that of the table. Default: a hidden folder beside it."`
	Workers   int            `placeholder:"N" help:"Workers that make a Parquet file. Default: one for each CPU."`
	DryRun    bool           `help:"Only tell what would be merged."`
}

// Help is shown by compact --help.
func (*compactCommand) Help() string {
	return `Examples:

  pikabin compact /data/changes/
  pikabin compact /data/changes/ --older-than 6h --target 1GiB --dry-run
  pikabin compact /data/changes/ --to 's3://bucket/changes/?region=eu-west-1'

The parts of each partition that gets no more of them become few: of Parquet, Avro, JSON lines and Protobuf, compressed or not. Readers find the
parts of before or those of after, and never an event twice or none; one that has listed the files of before may have to list them once more. It can run
beside the tail or convert that writes the folder, and again after it was killed. Folders with anything else in them are left as they are.
Exit code 1: some partition could not be merged, which is told.

With --to objects of a bucket are made of the parts, and the folder stays as it is. An object is written once and never changed, so that it holds only
what is closed: a partition is copied once nothing was written to it for --older-than. What comes to it later makes another object. The bucket remembers what it
has: run it as often as you like, and again after it was killed; each event is there once. It is made in TMPDIR, where there has to be room for --target.
Credentials are found as for -o s3://. Exit code 5: the bucket failed, and the next run continues.`
}

// Run merges, and prints a line for each partition that is merged.
func (c *compactCommand) Run(ctx context.Context, s *shell.Streams) error {
	o, err := c.options(s)
	if err != nil {
		return exit.Misuse(err)
	}
	t := compacting.Tally{Out: s.Stdout, Warn: s.Console.Warn, Copies: c.To != "", DryRun: c.DryRun}
	o.Tell, o.Warn = t.Tell, t.Warn
	if c.To == "" {
		err = compact.Run(ctx, o)
	} else {
		err = c.copy(ctx, o)
	}
	if err != nil {
		return err
	}
	s.Console.Info(t.String())
	if t.Refused > 0 {
		return fmt.Errorf("%w: a partition was left as it is", exit.ErrReported)
	}
	return nil
}

// copy copies into a bucket.
func (c *compactCommand) copy(ctx context.Context, o compact.Options) error {
	if c.Keep != nil || c.Staging != "" {
		return exit.Misuse(errors.New("--keep and --staging are for folders that are exchanged: with --to nothing of the folder is"))
	}
	kind, ok := places.Find(c.To)
	if !ok {
		return exit.Misuse(fmt.Errorf("--to %s: expected %s or %s", c.To, places.S3.Form, places.HDFS.Form))
	}
	to, err := kind.Parse(c.To)
	if err != nil {
		return exit.Misuse(fmt.Errorf("--to: %w", err))
	}
	place, err := to.Open()
	if err != nil {
		return err
	}
	defer place.Close()
	return compact.Copy(ctx, o, place, to.Checked)
}

func (c *compactCommand) options(s *shell.Streams) (o compact.Options, err error) {
	if strings.Contains(c.Folder, "://") {
		return o, fmt.Errorf("%s is no folder: objects of a bucket cannot be exchanged at once, so that readers would find events twice or not at all; "+
			"--to makes a second copy of a folder in a bucket", c.Folder)
	}
	if c.Workers < 0 || c.Target <= 0 {
		return o, errors.New("--workers and --target cannot be negative, nor the target nothing")
	}
	dir, err := vfs.RealPath(c.Folder)
	if err != nil {
		return o, err
	}
	staging := ""
	if c.To == "" {
		staging, err = c.stagingOf(dir)
	}
	workers, keep := c.Workers, time.Hour
	if workers == 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	if c.Keep != nil {
		keep = *c.Keep
	}
	return compact.Options{
		Dir: dir, Staging: staging, OlderThan: c.OlderThan, Target: int64(c.Target), Keep: keep, DryRun: c.DryRun, Workers: workers, Version: s.Program.Version,
	}, err
}

// stagingOf is the staging folder, which is not in the table. Neither of both may be a folder of a server.
func (c *compactCommand) stagingOf(dir string) (string, error) {
	staging := filepath.Join(filepath.Dir(dir), "."+filepath.Base(dir)+".compact")
	if c.Staging != "" {
		staging = filepath.Clean(c.Staging)
	}
	if inside, err := vfs.Inside(staging, dir); inside || err != nil {
		return "", errors.Join(err, fmt.Errorf("--staging %s is in %s, where readers of the table would find it: name a folder outside of it, on the same file system", staging, dir))
	}
	guard := run.NewGuard(nil)
	return staging, cmp.Or(guard.Outside("folder", dir), guard.Outside("staging folder", staging))
}

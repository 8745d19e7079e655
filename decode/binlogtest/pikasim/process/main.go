//go:build unix

package process

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim"
)

// Usage is the help text of Main, without the flags.
const Usage = `usage: pikasim [flags] DIR

Writes DIR/log_dbN as a running Pika does. With --rate, --count or --duration it puts records by itself.
Commands on the standard input are obeyed at any time, one a line, each answered with
"ok SEGMENT:OFFSET", the manifest's position, or "error TEXT":

  put N          N records                      use N          DB for the following commands (0)
  set KEY VALUE  one record                     rotate         begin the next segment
  purge N        keep N segments                purge-to N     unlink segments up to N
  purge-live     unlink the live one as well    fullsync N:O   full sync at a master's position
  truncate N:O   cut the log                    hold STEP      a put that waits after a step for "release"
  kill [STEP]    as kill -9, or in a put        stop           clean stop
  lose-manifest  kill, and remove the manifest  restart        start again
  position       only the answer                flush          FLUSHDB
  quit           clean stop, and exit

Each value is "seq=N t=NANOSECONDS " and letters; t stands there with --stamp.
`

// config is what the flags say.
type config struct {
	dir       string
	dbs       int
	flat      bool
	rate      float64
	count     int
	duration  time.Duration
	value     sizes
	keys      int
	keep      int
	killAfter string
	seed      uint64
	journal   string
	server    pikasim.Options
}

// loads says that records are put without being asked for.
func (c *config) loads() bool { return c.rate > 0 || c.count > 0 || c.duration > 0 }

// sizes is a range of sizes, both ends included: "100" or "10..2000".
type sizes struct{ min, max int }

// String is the text form.
func (s *sizes) String() string { return fmt.Sprintf("%d..%d", s.min, s.max) }

// Set parses the text form.
func (s *sizes) Set(text string) error {
	low, high, ok := strings.Cut(text, "..")
	if !ok {
		high = low
	}
	var errLow, errHigh error
	s.min, errLow = strconv.Atoi(low)
	s.max, errHigh = strconv.Atoi(high)
	if errLow != nil || errHigh != nil || s.min < 0 || s.max < s.min {
		return fmt.Errorf("%q is no range of sizes: expected such as 100 or 10..2000", text)
	}
	return nil
}

// Main runs pikasim and returns the exit code: 0, 1 for an error, 2 for wrong usage.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintf(stderr, "pikasim: %v\n", err)
		return 2
	}
	if err := run(c, stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "pikasim: %v\n", err)
		return 1
	}
	return 0
}

func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{value: sizes{100, 100}, server: pikasim.Options{Clock: time.Now, Discard: true}}
	flags := flag.NewFlagSet("pikasim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, Usage, "\n")
		flags.PrintDefaults()
	}
	flags.IntVar(&c.dbs, "db", 1, "how many DBs, log_db0 and so on")
	flags.BoolVar(&c.flat, "flat", false, "segments directly in DIR, as up to 3.0")
	version := flags.String("pika", "4.0.1", "version of Pika")
	flags.Float64Var(&c.rate, "rate", 0, "writes a second, over all DBs; 0 is full speed")
	flags.IntVar(&c.count, "count", 0, "stop after this many records")
	flags.DurationVar(&c.duration, "duration", 0, "stop after this time")
	flags.Var(&c.value, "value-size", "bytes of a value, `A..B`; at least its number is in it")
	flags.IntVar(&c.keys, "keys", 1000, "how many keys")
	flags.Int64Var(&c.server.SegmentSize, "segment-size", 0, "binlog-file-size; 0 is 100 MiB")
	flags.Int64Var(&c.server.Region, "region", 0, "by how much a segment grows; 0 is 4 MiB")
	flags.IntVar(&c.keep, "purge-keep", 0, "after a rotation keep so many segments; 0 is all")
	flags.StringVar(&c.killAfter, "kill-self-after", "", "die by SIGKILL in the middle of something, after so many records or a `time`")
	flags.Uint64Var(&c.seed, "seed", 1, "of sizes, and of the step that kills")
	flags.BoolVar(&c.server.Stamp, "stamp", false, "put the time of the commit into each value")
	flags.StringVar(&c.journal, "journal", "", "`file` with a line for each committed record; an old one is continued")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() != 1 {
		return nil, fmt.Errorf("got %d folders, expected one", flags.NArg())
	}
	c.dir = flags.Arg(0)
	var err error
	c.server.Generation, err = decode.ParseGeneration(*version)
	return c, errors.Join(err, c.check())
}

func (c *config) check() error {
	switch {
	case c.dbs < 1 || c.keys < 1:
		return errors.New("there has to be a DB and a key")
	case c.flat && c.dbs > 1:
		return errors.New("a flat folder has one DB")
	}
	return nil
}

// folder is the log folder of a DB.
func (c *config) folder(db int) string {
	if c.flat {
		return c.dir
	}
	return filepath.Join(c.dir, "log_db"+strconv.Itoa(db))
}

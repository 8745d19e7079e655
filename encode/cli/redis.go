package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/formats/resp"
)

// redisCommand writes what a Redis loads when it starts. Loading is the one time at which Redis expires no key by its own clock, so
// that it comes to hold what the server had, however long ago the log was written.
type redisCommand struct {
	Sources           []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	Dir               string   `group:"Output:" placeholder:"DIR" help:"The folder of the new Redis: its append-only files are put there."`
	flags.SourceFlags `group:"Source:"`
	flags.RangeFlags  `group:"Source:"`
	flags.FilterFlags `group:"Filter:"`
	flags.RunFlags    `group:"Run:"`
}

// Help is shown by redis --help.
func (*redisCommand) Help() string {
	return `Example:

  pikabin redis /data/pika/log --dir /data/redis
  redis-server --dir /data/redis --appendonly yes

The server loads the files when it starts, and answers when it has loaded them. It needs Redis 7 or later. A warning names
what Redis cannot hold or do.`
}

// The names that Redis gives to the folder and the files of its append-only file.
const (
	appendFolder   = "appendonlydir"
	appendFile     = "appendonly.aof.1.incr.aof"
	appendManifest = "appendonly.aof.manifest"
	manifestText   = "file " + appendFile + " seq 1 type i\n"
)

// Run writes the files. The manifest comes last: without it Redis loads nothing.
func (c *redisCommand) Run(ctx context.Context, s *shell.Streams) error {
	if c.Dir == "" {
		return exit.Misuse(errors.New("--dir is missing: name the folder of the new Redis"))
	}
	folder := filepath.Join(c.Dir, appendFolder)
	if name := dataOf(c.Dir, folder); name != "" {
		return exit.Misuse(fmt.Errorf("%s is there: a Redis has its data in this folder already, give --dir another one", name))
	}
	guard := run.NewGuard(c.Sources)
	if err := cmp.Or(guard.Outside("folder", c.Dir), guard.Outside("folder", folder)); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return &sink.Error{Err: err}
	}
	convert := convertCommand{Sources: c.Sources, SourceFlags: c.SourceFlags, RangeFlags: c.RangeFlags}
	convert.OutputFlags = flags.OutputFlags{Format: "redis", Output: filepath.Join(folder, appendFile), Compress: "none", Bytes: "auto"}
	convert.FilterFlags, convert.RunFlags = c.FilterFlags, c.RunFlags
	err := convert.Run(ctx, s)
	if err != nil && !errors.Is(err, exit.ErrReported) {
		_ = os.Remove(folder) // if nothing was written
		return err
	}
	if errWrite := finishFiles(folder); errWrite != nil {
		return errors.Join(err, &sink.Error{Err: errWrite})
	}
	s.Console.Info(fmt.Sprintf("to load it: redis-server --dir %s --appendonly yes", c.Dir))
	return err
}

// dataOf names a file that is of a Redis, "" if there is none. What a run left that failed is of none: it has no manifest.
func dataOf(dir, folder string) string {
	names, _ := os.ReadDir(folder)
	for _, name := range names {
		if len(names) > 1 || name.Name() != appendFile {
			return filepath.Join(folder, name.Name())
		}
	}
	for _, name := range []string{"dump.rdb", "appendonly.aof"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); err == nil {
			return filepath.Join(dir, name)
		}
	}
	return ""
}

// finishFiles ends the commands, and writes the manifest.
func finishFiles(folder string) error {
	file, err := os.OpenFile(filepath.Join(folder, appendFile), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.Write(resp.AppendEnd(nil))
	if err := cmp.Or(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, appendManifest), []byte(manifestText), 0o600)
}

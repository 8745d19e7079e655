package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"pikabin/encode/sink"
)

// redisCommand writes what a Redis loads when it starts. Loading is the one time at which Redis expires no key by its own clock, so
// that it comes to hold what the server had, however long ago the log was written.
type redisCommand struct {
	Sources []string `arg:"" name:"source" help:"Log folders, DB folders or segment files."`
	Dir     string   `placeholder:"DIR" help:"The folder of the new Redis: its append-only files are put there."`
	sourceFlags
	rangeFlags
	filterFlags
	runFlags
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
func (c *redisCommand) Run(ctx context.Context, s *streams) error {
	if c.Dir == "" {
		return usageError{errors.New("--dir is missing: name the folder of the new Redis")}
	}
	folder := filepath.Join(c.Dir, appendFolder)
	if names, err := os.ReadDir(folder); err == nil && len(names) > 0 {
		return usageError{fmt.Errorf("%s is not empty: a Redis has its data there already, give --dir another folder", folder)}
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return &sink.Error{Err: err}
	}
	convert := convertCommand{Sources: c.Sources, sourceFlags: c.sourceFlags, rangeFlags: c.rangeFlags}
	convert.outputFlags = outputFlags{Format: "redis", Output: filepath.Join(folder, appendFile), Compress: "none", Bytes: "auto"}
	convert.filterFlags, convert.runFlags = c.filterFlags, c.runFlags
	err := convert.Run(ctx, s)
	if err != nil && !errors.Is(err, errReported) {
		_ = os.Remove(folder) // if nothing was written
		return err
	}
	manifest := filepath.Join(folder, appendManifest)
	if errWrite := os.WriteFile(manifest, []byte(manifestText), 0o600); errWrite != nil {
		return errors.Join(err, &sink.Error{Err: errWrite})
	}
	s.console.Info(fmt.Sprintf("to load it: redis-server --dir %s --appendonly yes", c.Dir))
	return err
}

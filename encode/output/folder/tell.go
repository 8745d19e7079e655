package folder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"pikabin/encode/disk"
)

// SuccessName is the file that says that the folder of an hour is complete. It is empty: readers of tables pass over it.
const SuccessName = "_SUCCESS"

// Hour is the folder of a partition that is complete, and what is to be done then.
type Hour struct {
	Dir     string // below the folder of the output, with slashes, such as db=db0/dt=2025-06-01/hr=12
	Success bool   // an empty SuccessName is to be made in it
	command string // empty: none
	stop    <-chan struct{}
}

// Hour is what is to be done for a folder. A command that runs when stop is closed has commandGrace to end.
func (s *Settings) Hour(dir string, stop <-chan struct{}) *Hour {
	return &Hour{Dir: filepath.ToSlash(dir), Success: s.success, command: s.command, stop: stop}
}

// Tell implements Store.
func (l *local) Tell(ctx context.Context, h *Hour) (told bool, err error) {
	path := filepath.Join(l.dir, h.Dir)
	if h.Success {
		if err := Undisturbed(ctx, l.Disk, l.dir, func() error { return l.markSuccess(ctx, path) }); err != nil {
			return false, err
		}
	}
	return h.Persist(ctx, l.Disk, path), nil
}

// markSuccess makes the file that says that an hour is complete, if it is not there yet.
func (l *local) markSuccess(ctx context.Context, dir string) error {
	path := filepath.Join(dir, SuccessName)
	if _, err := l.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := l.MakeDir(ctx, dir); err != nil { // a consumer may have moved it
		return err
	}
	return l.Retry(ctx, path, func() error {
		file, err := l.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o666)
		if err != nil {
			return err
		}
		return errors.Join(file.Sync(), file.Close(), l.SyncDir(dir))
	})
}

// Persist runs the command until it succeeds. told is false when the run is to end before that. path is where consumers find the folder.
func (h *Hour) Persist(ctx context.Context, d *disk.Disk, path string) (told bool) {
	return d.Persist(ctx, "--on-partition for "+h.Dir, func() error { return h.Run(ctx, path) })
}

// Run runs the command once, if there is one.
func (h *Hour) Run(ctx context.Context, path string) error {
	if h.command == "" {
		return nil
	}
	return runCommand(ctx, h.command, path, h.Dir, h.stop)
}

// commandGrace is how long a command may take once the run is to end.
const commandGrace = 10 * time.Second

// outputGrace is for what a command has said when it ends. What it has left in the background does not hold up the run.
const outputGrace = 100 * time.Millisecond

// runCommand runs a command of the shell, with the partition in its environment.
func runCommand(ctx context.Context, command, path, dir string, stop <-chan struct{}) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var out ending
	cmd := exec.CommandContext(ctx, "sh", "-c", command) //nolint:gosec // that is what the user wants
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = append(os.Environ(), variables(path, dir)...), &out, &out, outputGrace
	apart(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		select {
		case <-ended:
			return
		case <-stop:
		}
		select {
		case <-ended:
		case <-time.After(commandGrace):
			cancel()
		}
	}()
	err := cmd.Wait()
	close(ended)
	<-watched
	if errors.Is(err, exec.ErrWaitDelay) { // it has succeeded, and left something in the background that could say more
		return nil
	}
	if text := out.String(); err != nil && text != "" {
		return fmt.Errorf("%w: %s", err, text)
	}
	return err
}

// maxOutput is how much of what a command says is shown, the end of it.
const maxOutput = 500

// ending keeps the end of what a command says, however much that is.
type ending struct{ text []byte }

// Write implements io.Writer.
func (e *ending) Write(b []byte) (int, error) {
	e.text = append(e.text, b...)
	e.text = slices.Delete(e.text, 0, max(0, len(e.text)-maxOutput))
	return len(b), nil
}

// String is the text without the rest of a character that was cut.
func (e *ending) String() string {
	isCut := func(r rune) bool { return r == utf8.RuneError }
	return strings.TrimSpace(strings.TrimLeftFunc(string(e.text), isCut))
}

// variables tell a command which partition it is.
func variables(path, dir string) []string {
	list := []string{"PARTITION_PATH=" + path}
	var spec []string
	for column := range strings.SplitSeq(dir, "/") {
		name, value, _ := strings.Cut(column, "=")
		list = append(list, "PARTITION_"+strings.ToUpper(name)+"="+value)
		spec = append(spec, fmt.Sprintf("`%s`='%s'", name, strings.ReplaceAll(value, "'", `\'`)))
	}
	return append(list, "PARTITION_SPEC="+strings.Join(spec, ", "))
}

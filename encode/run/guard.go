package run

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/encode/vfs"
)

// Guard refuses files that a run must not write: those of the server, by whatever name they are reached.
type Guard struct {
	folders  []string // of the logs, and the log folders above them
	segments []string
}

// NewGuard protects the sources that the user named, as far as they are folders.
func NewGuard(sources []string) *Guard {
	return &Guard{folders: slices.DeleteFunc(slices.Clone(sources), func(source string) bool {
		info, err := os.Stat(source)
		return err != nil || !info.IsDir()
	})}
}

// Log protects a log, too: its folder and its segments.
func (g *Guard) Log(folder string, segments []string) {
	g.folders = append(g.folders, folder)
	g.segments = append(g.segments, segments...)
}

// RefusedError is a file or folder that the run must not write, or that is not of the kind that is asked for. Nothing was touched.
type RefusedError struct{ reason string }

// Error says what and why.
func (e *RefusedError) Error() string { return e.reason }

func refuse(format string, args ...any) error {
	return &RefusedError{reason: fmt.Sprintf(format, args...)}
}

// Outside refuses a path in the server's folders. what is its name in the message.
func (g *Guard) Outside(what, path string) error {
	for _, folder := range g.folders {
		inside, err := vfs.Inside(path, folder)
		if err != nil {
			return err
		}
		if inside {
			return refuse("%s %s lies in the log folder %s, where nothing is written", what, path, folder)
		}
	}
	return nil
}

// State refuses a state file. Empty: none is kept.
func (g *Guard) State(path string) error {
	if path == "" {
		return nil
	}
	if info, err := os.Stat(path); strings.HasSuffix(path, "/") || err == nil && info.IsDir() {
		return refuse("state %s is a folder: name a file in it", path)
	}
	return g.Outside("state", path)
}

// Output tells files from folders, and refuses those that are the server's.
func (g *Guard) Output(output string) error {
	if output == "-" || IsRemote(output) {
		return nil
	}
	info, err := os.Stat(cmp.Or(strings.TrimRight(output, "/"), "/"))
	folder := strings.HasSuffix(output, "/")
	switch {
	case err == nil && info.IsDir() && !folder:
		return refuse("output %s is a folder: name a file in it, or let it end in a slash for parts in it", output)
	case err == nil && !info.IsDir() && folder:
		return refuse("output %s is no folder", output)
	}
	if folder {
		output = filepath.Clean(output) // as the sink takes it
	}
	if err := g.Outside("output", output); err != nil {
		return err
	}
	for _, segment := range g.segments {
		if s, err := os.Stat(segment); err == nil && os.SameFile(s, info) {
			return refuse("output %s is the segment %s, which would be lost", output, segment)
		}
	}
	return nil
}

// IsRemote tells outputs that are not files of this machine.
func IsRemote(output string) bool { return strings.Contains(output, "://") }

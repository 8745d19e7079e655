package cli

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode/binlog"
	"pikabin/encode/vfs"
)

// isRemote tells outputs that no files of this machine are.
func isRemote(output string) bool { return strings.Contains(output, "://") }

// checkOutputs looks at all that is written.
func (f *streamFlags) checkOutputs(sources []string, logs []*binlog.Log) error {
	if err := checkOutput(f.Output, sources, logs); err != nil || f.State == "" {
		return err
	}
	if info, err := os.Stat(f.State); strings.HasSuffix(f.State, "/") || err == nil && info.IsDir() {
		return usageError{fmt.Errorf("state %s is a folder: name a file in it", f.State)}
	}
	return checkOutside("state", f.State, sources, logs)
}

// checkOutput tells files from folders, and protects those of the server: nothing is ever written there, by whatever name they
// are reached.
func checkOutput(output string, sources []string, logs []*binlog.Log) error {
	if output == "-" || isRemote(output) {
		return nil
	}
	info, err := os.Stat(cmp.Or(strings.TrimRight(output, "/"), "/"))
	switch {
	case err == nil && info.IsDir() && !strings.HasSuffix(output, "/"):
		return usageError{fmt.Errorf("output %s is a folder: name a file in it, or let it end in a slash for parts in it", output)}
	case err == nil && !info.IsDir() && strings.HasSuffix(output, "/"):
		return usageError{fmt.Errorf("output %s is no folder", output)}
	}
	if strings.HasSuffix(output, "/") {
		output = filepath.Clean(output) // as the sink takes it
	}
	if err := checkOutside("output", output, sources, logs); err != nil {
		return err
	}
	for _, l := range logs {
		for _, segment := range l.Segments() {
			if s, err := os.Stat(segment.Path); err == nil && os.SameFile(s, info) {
				return usageError{fmt.Errorf("output %s is the segment %s, which would be lost", output, segment.Path)}
			}
		}
	}
	return nil
}

// checkOutside refuses a file in the server's folders, by whatever name they are reached.
func checkOutside(what, file string, sources []string, logs []*binlog.Log) error {
	for _, folder := range serverFolders(sources, logs) {
		inside, err := vfs.Inside(file, folder)
		if err != nil {
			return err
		}
		if inside {
			return usageError{fmt.Errorf("%s %s lies in the log folder %s, where nothing is written", what, file, folder)}
		}
	}
	return nil
}

// serverFolders are the folders of the logs, and the log folder above them where that was named.
func serverFolders(sources []string, logs []*binlog.Log) []string {
	folders := slices.DeleteFunc(slices.Clone(sources), func(source string) bool {
		info, err := os.Stat(source)
		return err != nil || !info.IsDir()
	})
	for _, l := range logs {
		folders = append(folders, l.Dir())
	}
	return folders
}

package binlog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
)

// expected is what the user may name.
const expected = "Pika's log folder, the folder of one DB in it, or segments such as write2file12, write2file12.zst or write2file12.gz"

// server is the form of an address, which a path may have as well.
var server = regexp.MustCompile(`://|^[^/]+:\d+$`)

// NoLogError is a path at which no log is: there is nothing, or a file or a folder of something else.
type NoLogError struct {
	Path string
	What string // is wrong, with the path
	Near string // a log's folder one level above or below; empty: there is none
	Err  error  // of the disk; nil: it had none
}

// Error says what is wrong, what was expected, and which folder is meant perhaps.
func (e *NoLogError) Error() string {
	if e.Near != "" {
		return fmt.Sprintf("%s: did you mean the log in %s?", e.What, e.Near)
	}
	return fmt.Sprintf("%s: expected %s", e.What, expected)
}

// Unwrap gives the error of the disk.
func (e *NoLogError) Unwrap() error { return e.Err }

// Stat looks at what is at a path that the user has named. Where nothing is, the error is a *NoLogError.
func Stat(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return info, err
	}
	what := path + " does not exist"
	if server.MatchString(path) {
		what += " (a server over the network is named as in pika://10.0.0.5:9221)"
	}
	parent := filepath.Dir(filepath.Clean(path))
	return nil, &NoLogError{Path: path, What: what, Near: near(parent, parent), Err: err}
}

// NoFolder is the error of a folder in which no log is.
func NoFolder(path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	what := path + " is not a Pika log folder, since no write2file segments or manifest are in it or in log_db*/ below it"
	return &NoLogError{Path: path, What: what, Near: near(filepath.Dir(abs), abs)}
}

// noSegment is the error of a file that is no segment.
func noSegment(path string) error {
	return &NoLogError{Path: path, What: path + " is not a Pika segment", Near: near(filepath.Dir(path), "")}
}

// nearMost is how many folders are looked into.
const nearMost = 100

// near finds a folder with logs: the one above, or one of those directly in another folder.
func near(above, below string) string {
	if isLogs(above) {
		return above
	}
	entries, _ := os.ReadDir(below) // if it fails there is nothing to propose
	for _, entry := range entries[:min(len(entries), nearMost)] {
		if path := filepath.Join(below, entry.Name()); entry.IsDir() && isLogs(path) {
			return path
		}
	}
	return ""
}

// isLogs tells whether Find would find logs in a folder.
func isLogs(path string) bool {
	dirs, _, err := LogDirs(path, func(string) bool { return false })
	return err == nil && len(dirs) > 0
}

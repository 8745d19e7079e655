// Package discovery looks for the logs that there are to follow, again and again: those of new DBs appear late, and one that cannot be opened holds
// up no other.
package discovery

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/follow/patience"
)

// Finder looks for logs. Look is for one goroutine at a time, Closed for any.
type Finder struct {
	Options binlog.Options
	Want    func(*decode.Log) bool // which logs are taken; nil: all
	Note    func(binlog.Oddity)    // is told what is odd
	Now     func() time.Time

	// Take begins to follow a log. late: it was not there at the start.
	Take func(ctx context.Context, l *binlog.Log, late bool) error

	roots  []string
	known  map[string]bool // folders of logs that were taken, or are not wanted
	taken  []*binlog.Log
	mu     sync.Mutex
	closed map[string]*Closed // by their folders
}

// Start refuses paths that cannot be followed, and gives the folders to be looked at.
func (f *Finder) Start(paths []string) (roots []string, err error) {
	f.known, f.closed = map[string]bool{}, map[string]*Closed{}
	for _, path := range paths {
		root, err := rootOf(path)
		if err != nil {
			return nil, err
		}
		f.roots = append(f.roots, root)
	}
	if len(f.roots) == 0 {
		return nil, errors.New("no log given: expected Pika's log folder, or the folder of one DB")
	}
	return f.roots, nil
}

// Look takes the logs that are not known yet.
func (f *Finder) Look(ctx context.Context, late bool) error {
	var names folder.Names
	there := map[string]bool{}
	for _, root := range f.roots {
		dirs, _, err := binlog.LogDirs(root, func(dir string) bool { return f.known[dir] })
		if err != nil {
			if late && folder.Vanished(err) {
				continue // it may come again
			}
			return err
		}
		for _, dir := range dirs {
			there[dir] = true
			if err := f.try(ctx, dir, &names, late); err != nil {
				return err
			}
		}
	}
	f.dropClosed(there)
	return nil
}

// open takes the log of a folder, when it has a manifest.
func (f *Finder) open(ctx context.Context, dir string, names *folder.Names, late bool) error {
	l, err := binlog.OpenLog(dir, names, f.Options)
	if err != nil {
		return err
	}
	switch err := f.acceptable(l); {
	case l.View().ManifestErr != nil && (late || isNew(l)):
		return nil // looked at again when the server has written more
	case err != nil && late:
		f.known[dir] = true
		f.Note(binlog.Oddity{Kind: binlog.OddityPassed, Log: l.ID(), Path: dir, Text: err.Error()})
		return nil
	case err != nil:
		return err
	}
	if f.wants(l.ID()) {
		if err := f.Take(ctx, l, late); err != nil {
			return err
		}
		f.taken = append(f.taken, l)
	}
	f.known[dir] = true
	return nil
}

func (f *Finder) wants(id *decode.Log) bool { return f.Want == nil || f.Want(id) }

// acceptable says why a log cannot be followed.
func (f *Finder) acceptable(l *binlog.Log) error {
	if errors.Is(l.View().ManifestErr, folder.ErrNoManifest) {
		return fmt.Errorf("%s: no manifest in %s: only the manifest tells what of a live log is committed; these are archived or copied files, "+
			"which convert reads", l.ID(), l.Dir())
	}
	if l.View().ManifestErr != nil {
		return l.View().ManifestErr
	}
	for _, other := range f.taken {
		if err := binlog.Clash(other, l); err != nil {
			return err
		}
	}
	return nil
}

// isNew reports whether a log without a manifest may be one that a server is just creating.
func isNew(l *binlog.Log) bool {
	return !slices.ContainsFunc(l.Segments(), func(s folder.Segment) bool { return s.Size > 0 })
}

// Find finds the logs that are followed, late ones aside, and refuses the folders that it refuses. There may be none yet, or none that can be read now.
func Find(paths []string, options binlog.Options) (logs []*binlog.Log, err error) {
	var names folder.Names
	for _, path := range paths {
		root, err := rootOf(path)
		if err != nil {
			return nil, err
		}
		dirs, _, err := binlog.LogDirs(root, func(string) bool { return false })
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			l, err := binlog.OpenLog(dir, &names, options)
			switch {
			case patience.Passing(err): // as when it is followed
			case err != nil:
				return nil, err
			default:
				logs = append(logs, l)
			}
		}
	}
	return logs, nil
}

// rootOf refuses what cannot be followed.
func rootOf(path string) (string, error) {
	info, err := binlog.Stat(path)
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is a file: only the log of a running server can be followed, give its log folder; single segments and archives "+
			"are what convert reads", path)
	}
	root, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	top, err := os.ReadDir(root)
	if err != nil {
		return "", err
	}
	if len(top) > 0 && !slices.ContainsFunc(top, func(e os.DirEntry) bool { return folder.Matters(e.Name()) || strings.HasPrefix(e.Name(), "pika.") }) {
		return "", binlog.NoFolder(path)
	}
	return root, nil
}

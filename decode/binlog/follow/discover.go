package follow

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
)

// find finds the logs that are there at the start.
func (t *Tail) find(ctx context.Context, paths []string) error {
	for _, path := range paths {
		root, err := tailRoot(path)
		if err != nil {
			return err
		}
		t.roots = append(t.roots, root)
	}
	if len(t.roots) == 0 {
		return errors.New("no log given: expected Pika's log folder, or the folder of one DB")
	}
	for _, root := range t.roots {
		t.watchDir(root)
	}
	return t.discover(ctx, false)
}

// Find finds the logs that Open would follow, and refuses the folders that it refuses. There may be none yet.
func Find(paths []string, options binlog.Options) (logs []*binlog.Log, err error) {
	var names folder.Names
	for _, path := range paths {
		root, err := tailRoot(path)
		if err != nil {
			return nil, err
		}
		dirs, _, err := binlog.LogDirs(root, func(string) bool { return false })
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			l, err := binlog.OpenLog(dir, &names, options)
			if err != nil {
				return nil, err
			}
			logs = append(logs, l)
		}
	}
	return logs, nil
}

// tailRoot refuses what cannot be followed.
func tailRoot(path string) (string, error) {
	info, err := os.Stat(path)
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
		return "", &binlog.NoLogError{Path: path}
	}
	return root, nil
}

// discover follows the logs that are not known yet.
func (t *Tail) discover(ctx context.Context, late bool) error {
	var names folder.Names
	for _, root := range t.roots {
		dirs, _, err := binlog.LogDirs(root, func(dir string) bool { return t.known[dir] })
		if err != nil {
			if late && notThere(err) == nil {
				continue // it may come again
			}
			return err
		}
		for _, dir := range dirs {
			if err := t.follow(ctx, dir, &names, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow takes up the log of a folder, when it has a manifest.
func (t *Tail) follow(ctx context.Context, dir string, names *folder.Names, late bool) error {
	l, err := binlog.OpenLog(dir, names, t.options.Options)
	if err != nil {
		if late {
			return notThere(err)
		}
		return err
	}
	switch err := t.acceptable(l); {
	case l.View().ManifestErr != nil && (late || isNew(l)):
		return nil // looked at again when the server has written more
	case err != nil && late:
		t.known[dir] = true
		t.options.Note(binlog.Note{Kind: binlog.NotePassed, Log: l.ID(), Path: dir, Text: err.Error()})
		return nil
	case err != nil:
		return err
	}
	t.known[dir] = true
	if t.options.Want != nil && !t.options.Want(l.ID()) {
		return nil
	}
	start, err := t.start(ctx, l, late)
	if err != nil {
		return err
	}
	for _, note := range l.Notes() {
		t.options.Note(note)
	}
	t.watchDir(dir)
	f := newFollower(l, start, t.options.Plan, t.options.Note, t.pace.now)
	f.stop = t.stop
	t.mu.Lock()
	t.followers = append(slices.Clip(t.followers), f)
	t.mu.Unlock()
	return nil
}

// acceptable says why a log cannot be followed.
func (t *Tail) acceptable(l *binlog.Log) error {
	if errors.Is(l.View().ManifestErr, folder.ErrNoManifest) {
		return fmt.Errorf("%s: no manifest in %s: only the manifest tells what of a live log is committed; these are archived or copied files, "+
			"which convert reads", l.ID(), l.Dir())
	}
	if l.View().ManifestErr != nil {
		return l.View().ManifestErr
	}
	for _, f := range t.followers {
		if err := binlog.Clash(f.log, l); err != nil {
			return err
		}
	}
	return nil
}

// isNew reports whether a log without a manifest may be one that a server is just creating.
func isNew(l *binlog.Log) bool {
	return !slices.ContainsFunc(l.Segments(), func(s folder.Segment) bool { return s.Size > 0 })
}

func (t *Tail) start(ctx context.Context, l *binlog.Log, late bool) (decode.Position, error) {
	if late {
		t.options.Note(binlog.Note{Kind: binlog.NoteAppeared, Log: l.ID(), Path: l.Dir(), Text: "a new log: reading it from " + l.Start().String()})
	}
	if t.options.Start == nil {
		return l.Start(), nil
	}
	return t.options.Start(ctx, l, late)
}

// watchDir has the changes of a folder announced, if that can be had.
func (t *Tail) watchDir(dir string) {
	if err := t.watch.add(dir); err != nil {
		t.noteNoWatch(dir, err)
	}
}

package binlog

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"pikabin/decode"
)

// open finds the logs that are there at the start.
func (t *Tail) open(ctx context.Context, paths []string) error {
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
	if len(top) > 0 && !slices.ContainsFunc(top, func(e os.DirEntry) bool { return matters(e.Name()) || strings.HasPrefix(e.Name(), "pika.") }) {
		return "", noLogFolder(path)
	}
	return root, nil
}

// discover follows the logs that are not known yet.
func (t *Tail) discover(ctx context.Context, late bool) error {
	for _, root := range t.roots {
		dirs, _, err := logDirs(root, func(dir string) bool { return t.known[dir] })
		if err != nil {
			if late && notThere(err) == nil {
				continue // it may come again
			}
			return err
		}
		for _, dir := range dirs {
			if err := t.follow(ctx, dir, late); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow takes up the log of a folder, when it has a manifest.
func (t *Tail) follow(ctx context.Context, dir string, late bool) error {
	found := finder{options: t.options.Options}
	if err := found.addLog(dir, nil); err != nil {
		if late {
			return notThere(err)
		}
		return err
	}
	l := found.logs[0]
	switch err := t.acceptable(l); {
	case l.manifestErr != nil && (late || isNew(l)):
		return nil // looked at again when the server has written more
	case err != nil && late:
		t.known[dir] = true
		t.options.Note(Note{Kind: NotePassed, Log: l.id, Path: dir, Text: err.Error()})
		return nil
	case err != nil:
		return err
	}
	t.known[dir] = true
	if t.options.Want != nil && !t.options.Want(l.id) {
		return nil
	}
	start, err := t.start(ctx, l, late)
	if err != nil {
		return err
	}
	for _, note := range l.notes {
		t.options.Note(note)
	}
	t.watchDir(dir)
	f := newFollower(l, start, t.options.Plan, t.options.Note, t.pace.now)
	t.mu.Lock()
	t.followers = append(slices.Clip(t.followers), f)
	t.mu.Unlock()
	return nil
}

// acceptable says why a log cannot be followed.
func (t *Tail) acceptable(l *Log) error {
	if errors.Is(l.manifestErr, ErrNoManifest) {
		return fmt.Errorf("%s: no manifest in %s: only the manifest tells what of a live log is committed; these are archived or copied files, "+
			"which convert reads", l.id, l.dir)
	}
	if l.manifestErr != nil {
		return l.manifestErr
	}
	for _, f := range t.followers {
		if compareLogs(f.log, l) == 0 {
			return sameLog(f.log, l)
		}
	}
	return nil
}

// isNew reports whether a log without a manifest may be one that a server is just creating.
func isNew(l *Log) bool {
	return !slices.ContainsFunc(l.segments, func(s Segment) bool { return s.Size > 0 })
}

func (t *Tail) start(ctx context.Context, l *Log, late bool) (decode.Position, error) {
	if late {
		t.options.Note(Note{Kind: NoteAppeared, Log: l.id, Path: l.dir, Text: "a new log: reading it from " + l.Start().String()})
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

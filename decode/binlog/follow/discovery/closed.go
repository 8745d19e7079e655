package discovery

import (
	"context"
	"maps"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlog/follow/patience"
)

// Closed is a log that cannot be opened for an error that may pass. It is tried again, and the others are read meanwhile.
type Closed struct {
	ID      *decode.Log
	Dir     string
	Trouble patience.Trouble

	late bool // it was not there at the start
}

// try takes the log of a folder, or keeps it among those that are tried again.
func (f *Finder) try(ctx context.Context, dir string, names *folder.Names, late bool) error {
	c := f.closed[dir]
	if c != nil {
		if late = c.late; c.Trouble.Waits(f.Now()) {
			return nil
		}
	}
	switch err := f.open(ctx, dir, names, late); {
	case err == nil, late && folder.Vanished(err):
		f.reopened(c)
		return nil
	case !patience.Passing(err):
		return err
	default:
		return f.keep(c, dir, late, err)
	}
}

// keep keeps a log that could not be opened.
func (f *Finder) keep(c *Closed, dir string, late bool, err error) error {
	if c == nil {
		var names folder.Names
		id, errName := names.Identify(dir)
		if errName != nil {
			return errName
		}
		if !f.wants(id) {
			f.known[dir] = true
			return nil
		}
		c = &Closed{ID: id, Dir: dir, late: late}
		f.mu.Lock()
		f.closed[dir] = c
		f.mu.Unlock()
	}
	c.Trouble.Meet(err, f.Now())
	if err := c.Trouble.News(); err != nil {
		f.Note(binlog.Oddity{Kind: binlog.OddityTrouble, Log: c.ID, Path: dir, Text: "cannot be read now, trying again: " + err.Error()})
	}
	return nil
}

// reopened takes a log from those that are tried again, if it is one of them.
func (f *Finder) reopened(c *Closed) {
	if c == nil {
		return
	}
	f.mu.Lock()
	delete(f.closed, c.Dir)
	f.mu.Unlock()
	f.Note(binlog.Oddity{Kind: binlog.OddityTrouble, Log: c.ID, Path: c.Dir, Text: "can be read again"})
}

// dropClosed forgets those whose folders are gone.
func (f *Finder) dropClosed(there map[string]bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	maps.DeleteFunc(f.closed, func(dir string, _ *Closed) bool { return !there[dir] })
}

// Closed are the logs that are tried again, by their folders.
func (f *Finder) Closed() []*Closed {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]*Closed, 0, len(f.closed))
	for _, dir := range slices.Sorted(maps.Keys(f.closed)) {
		list = append(list, f.closed[dir])
	}
	return list
}

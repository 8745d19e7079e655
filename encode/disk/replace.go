package disk

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
)

// Replace writes a file, which is there as a whole or not at all, and durable. What a crash has left of another attempt is removed.
func (d *Disk) Replace(ctx context.Context, path string, content []byte) error {
	hidden := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	if err := d.Remove(hidden); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.CreateOwn(ctx, hidden)
	if err != nil {
		return err
	}
	if err = f.Write(ctx, content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.Rename(hidden, path)
	}
	if err != nil {
		return errors.Join(err, d.Remove(hidden))
	}
	return d.SyncDir(filepath.Dir(path))
}

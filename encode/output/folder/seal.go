package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"

	"pikabin/encode/disk"
)

// Files of some formats can only be made of all their messages. Their parts are spools of messages until they are complete by the state, and
// are sealed then: the file is made beside the spool, and the spool goes when the file is durable. If there is a spool, the file is made once
// more, and has the same bytes.

// sealed is the name of a part's file before it is published.
func (p *partNote) sealed() string {
	dir, base := filepath.Split(p.Name)
	return dir + "." + base + p.suffix() + sealedSuffix
}

const sealedSuffix = ".sealed"

// staged is the file to be published of a part that is complete by the state.
func (f *folder) staged(ctx context.Context, n *partNote) (string, error) {
	spool := f.path(n.hidden())
	if f.sealer == nil {
		return spool, nil
	}
	sealed := f.path(n.sealed())
	rows, err := f.ReadOwn(spool, n.End)
	if errors.Is(err, fs.ErrNotExist) {
		return sealed, nil
	}
	if err != nil {
		return "", err
	}
	if err := errors.Join(f.seal(ctx, rows, sealed), rows.Close()); err != nil {
		return "", err
	}
	if err := f.Remove(spool); err != nil {
		return "", err
	}
	return sealed, f.SyncDir(filepath.Dir(spool)) // else the spool could be there once more when a consumer has taken the part
}

// seal makes the file of a part, durably.
func (f *folder) seal(ctx context.Context, rows io.Reader, path string) error {
	if err := f.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	file, err := f.CreateOwn(ctx, path)
	if err != nil {
		return err
	}
	if err = f.sealer.Seal(ctx, rows, &writer{ctx: ctx, file: file}); err == nil {
		err = file.Sync()
	}
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return f.SyncDir(filepath.Dir(path))
}

// writer writes a file that waits for room.
type writer struct {
	ctx  context.Context //nolint:containedctx // of one call of seal
	file *disk.File
}

// Write implements io.Writer.
func (w *writer) Write(b []byte) (int, error) {
	before := w.file.Length()
	err := w.file.Write(w.ctx, b)
	return int(w.file.Length() - before), err
}

// await waits while more is to be sealed than two parts: to write spools takes less time than to seal them, and a backfill would fill the disk. The one
// that seals is the one that saves the state, so that nothing waits here once that has failed.
func (f *folder) await(ctx context.Context) {
	for f.sealer != nil && f.unsealed() > 2*f.rollSize {
		select {
		case <-f.forgot:
		case <-f.env.Stop:
			return
		case <-ctx.Done():
			return
		}
	}
}

// unsealed is how many bytes are to be sealed.
func (f *folder) unsealed() (bytes int64) {
	f.writes.Lock()
	defer f.writes.Unlock()
	for _, p := range f.complete {
		bytes += p.Size()
	}
	return bytes
}

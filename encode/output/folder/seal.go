package folder

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"path/filepath"
	"sync"

	"pikabin/encode/disk"
)

// Files of some formats can only be made of all their messages. Their parts are spools of messages until they are complete, and are sealed then: the
// file is made beside the spool, which goes when the file is durable and the state says that the part is complete. If there is a spool after a crash, the
// file is made once more, and has the same bytes.

// sealed is the name of a part's file before it is published.
func (p *partNote) sealed() string {
	dir, base := filepath.Split(p.Name)
	return dir + "." + base + p.suffix() + sealedSuffix
}

const sealedSuffix = ".sealed"

// sealing makes the files of parts from when they are complete, beside what is written and while others are shown. The lock of the folder's writes is
// for it.
type sealing struct {
	life   context.Context //nolint:containedctx // of the files that are being made
	end    context.CancelFunc
	work   sync.WaitGroup
	making int // how many files
}

// maxMaking is how many files are made at a time: at the end of one not all workers have something to do, and none has while it becomes durable.
const maxMaking = 2

// begin gives the files that are made a context, which ends with close.
func (s *sealing) begin(ctx context.Context) {
	s.life, s.end = context.WithCancel(context.WithoutCancel(ctx))
}

// close ends the making of files, and waits until no more is done.
func (s *sealing) close() {
	s.end()
	s.work.Wait()
}

// sealedFile is the file of a part that is sealed.
type sealedFile struct {
	made chan struct{} // closed when it is durable, or has failed
	err  error         // why it has failed, from then on
}

// sealNext begins to make the files of the parts that are complete, in their order. The lock is held, and nothing takes back what was written to them.
func (f *folder) sealNext() {
	for _, p := range f.complete {
		if f.sealer == nil || f.seals.making == maxMaking {
			return
		}
		if p.file == nil {
			f.beginFile(p)
		}
	}
}

// sealAll completes all parts where they are to be sealed, as the last flush would: the save that is under way may take long.
func (f *folder) sealAll() {
	if f.sealer == nil {
		return
	}
	f.writes.Lock()
	defer f.writes.Unlock()
	f.finishAll()
	f.sealNext()
}

// beginFile begins to make the file of a part. The lock is held.
func (f *folder) beginFile(p *part) {
	file, n := &sealedFile{made: make(chan struct{})}, p.noted()
	p.file = file
	f.seals.making++
	f.seals.work.Go(func() {
		file.err = f.makeFile(f.seals.life, &n)
		close(file.made)
		f.writes.Lock()
		defer f.writes.Unlock()
		f.seals.making--
		f.sealNext()
	})
}

// makeFile makes the file of a part of its spool. Where there is no spool any more an earlier run has made it.
func (f *folder) makeFile(ctx context.Context, n *partNote) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	rows, err := f.ReadOwn(f.path(n.hidden()), n.End)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.seal(ctx, rows, f.path(n.sealed())), rows.Close())
}

// staged is the file to be published of a part that is complete by the state, which needs no spool any more.
func (f *folder) staged(ctx context.Context, n *partNote) (string, error) {
	spool := f.path(n.hidden())
	if f.sealer == nil {
		return spool, nil
	}
	if err := f.awaitFile(ctx, n); err != nil {
		return "", err
	}
	sealed := f.path(n.sealed())
	err := f.Remove(spool)
	if errors.Is(err, fs.ErrNotExist) {
		return sealed, nil
	}
	if err != nil {
		return "", err
	}
	return sealed, f.SyncDir(filepath.Dir(spool)) // else the spool could be there once more when a consumer has taken the part
}

// awaitFile waits until the file of a part is made. It makes that of an earlier run.
func (f *folder) awaitFile(ctx context.Context, n *partNote) error {
	file := f.fileOf(n.Name)
	if file == nil {
		return f.makeFile(ctx, n)
	}
	select {
	case <-file.made:
		return file.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// fileOf is the file that is made of a part of this run, nil for those of earlier ones.
func (f *folder) fileOf(name string) *sealedFile {
	f.writes.Lock()
	defer f.writes.Unlock()
	i := f.completed(name)
	if i < 0 {
		return nil
	}
	p := f.complete[i]
	if p.file == nil {
		f.beginFile(p)
	}
	return p.file
}

// seal makes a file of the rows of a part, durably.
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

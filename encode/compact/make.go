package compact

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"pikabin/encode/compact/merge"
	"pikabin/encode/disk"
	"pikabin/encode/readback/held"
	"pikabin/encode/vfs"
	"pikabin/formats"
)

// make makes the folder of a partition with fewer parts, durably. What stays as it is gets a second name there.
func (r *run) make(ctx context.Context, p *Outcome, s *state) error {
	dir := r.made(p.Dir)
	if err := r.MakeDir(ctx, dir); err != nil {
		return err
	}
	if err := r.takeOver(filepath.Join(r.Dir, p.Dir), dir); err != nil {
		return err
	}
	for _, group := range s.groups {
		if len(group) == 1 {
			p.After += group[0].size
			if err := r.Link(group[0].path, filepath.Join(dir, group[0].base)); err != nil {
				return err
			}
			continue
		}
		size, err := r.makePart(ctx, dir, group, s.level)
		if err != nil {
			return err
		}
		p.After += size
	}
	for i := range s.files {
		if f := &s.files[i]; !f.isPart {
			if err := r.Link(f.path, filepath.Join(dir, f.base)); err != nil {
				return err
			}
		}
	}
	return r.SyncDir(dir)
}

// makePart makes one part of several, and reads it back.
func (r *run) makePart(ctx context.Context, dir string, group []file, level int) (int64, error) {
	name := group[0].PartName
	name.Merged = level
	path := filepath.Join(dir, name.String())
	format, _ := formats.Lookup(held.FormatOf(name.Ext))
	out, err := r.CreateOwn(ctx, path)
	if err != nil {
		return 0, err
	}
	sum, err := merge.Merge(ctx, r.parts(group), &writer{ctx: ctx, file: out}, merge.Options{Format: format, Workers: r.Workers, Version: r.Version})
	if err == nil {
		err = out.Sync()
	}
	if err = errors.Join(err, out.Close()); err != nil {
		return 0, unreadable(ctx, err)
	}
	if err := r.takeOver(group[0].path, path); err != nil {
		return 0, err
	}
	if err := merge.Check(ctx, r.part(path, name.String(), &file{PartName: name}), format.Name, sum); err != nil {
		return 0, unreadable(ctx, err)
	}
	return out.Length(), nil
}

// unreadable says of an error that it is of the parts and not of the disk or of the end of the run: others can be merged.
func unreadable(ctx context.Context, err error) error {
	_, disk := errors.AsType[*fs.PathError](err)
	if disk || ctx.Err() != nil {
		return err
	}
	return &leftError{err: err}
}

// parts are files to be merged.
func (r *run) parts(files []file) (parts []merge.Part) {
	for _, f := range files {
		parts = append(parts, r.part(f.path, f.base, &f))
	}
	return parts
}

func (r *run) part(path, name string, f *file) merge.Part {
	return merge.Part{Name: name, PartName: f.PartName, Open: func() (merge.File, error) {
		file, err := vfs.OpenOwn(r.Disk, path, os.O_RDONLY, 0)
		if err != nil {
			return nil, err
		}
		return sized(file)
	}}
}

// sized is a file with its size. It is closed at an error.
func sized(file vfs.File) (merge.File, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return opened{file, info.Size()}, nil
}

// opened is a file that is read.
type opened struct {
	vfs.File
	size int64
}

// Size implements readback.File.
func (o opened) Size() int64 { return o.size }

// writer writes a file that waits for room.
type writer struct {
	ctx  context.Context //nolint:containedctx // of one call of makePart
	file *disk.File
}

// Write implements io.Writer.
func (w *writer) Write(b []byte) (int, error) {
	if err := w.file.Write(w.ctx, b); err != nil {
		return 0, err
	}
	return len(b), nil
}

var _ io.Writer = (*writer)(nil)

// takeOver gives a file or a folder the owner and the rights of another one: a run of another user than this one has to be able to go on.
func (r *run) takeOver(from, to string) error {
	info, err := r.Stat(from)
	if err != nil {
		return err
	}
	f, err := r.OpenFile(to, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	there, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	uid, gid := vfs.Owner(info)
	if uidNow, gidNow := vfs.Owner(there); uidNow != uid || gidNow != gid {
		err = f.Chown(uid, gid)
	}
	if err == nil && there.Mode() != info.Mode() {
		err = f.Chmod(info.Mode())
	}
	return errors.Join(err, f.Close())
}

package disk

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// Lines is a file that lines of JSON are added to, over any number of runs. Each is durable before Append returns.
type Lines struct{ *File }

// OpenLines opens or makes the file. Half a line at its end, which a crash has left and nothing was told of, is cut off.
func (d *Disk) OpenLines(ctx context.Context, path string) (*Lines, error) {
	f := &File{disk: d, path: path}
	err := d.Retry(ctx, path, func() (err error) {
		f.file, err = d.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666) // what the umask leaves, as for any output
		return err
	})
	if err != nil {
		return nil, err
	}
	err = f.cutLine()
	if err == nil {
		err = d.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, f.file.Close())
	}
	return &Lines{f}, nil
}

// Append adds a line.
func (f *Lines) Append(ctx context.Context, line any) error {
	text, err := json.Marshal(line)
	if err == nil {
		err = f.Write(ctx, append(text, '\n'))
	}
	if err == nil {
		err = f.Sync()
	}
	return err
}

// cutLine cuts off what is after the last end of a line.
func (f *File) cutLine() error {
	info, err := f.file.Stat()
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for f.length = info.Size(); f.length > 0; {
		n := min(f.length, int64(len(block)))
		if _, err := f.file.ReadAt(block[:n], f.length-n); err != nil {
			return err
		}
		if i := int64(bytes.LastIndexByte(block[:n], '\n')); i >= 0 {
			f.length += i + 1 - n
			break
		}
		f.length -= n
	}
	if f.length == info.Size() {
		return nil
	}
	return f.file.Truncate(f.length)
}

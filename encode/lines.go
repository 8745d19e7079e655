package encode

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
)

// lineFile is a file that lines of JSON are added to, over any number of runs. Each is durable before append returns.
type lineFile struct{ *growing }

// openLines opens or makes the file. Half a line at its end, which a crash has left and nothing was told of, is cut off.
func (d *disk) openLines(ctx context.Context, path string) (*lineFile, error) {
	g := &growing{disk: d, path: path}
	err := d.retry(ctx, path, func() (err error) {
		g.file, err = d.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o666) // what the umask leaves, as for any output
		return err
	})
	if err != nil {
		return nil, err
	}
	err = g.cutLine()
	if err == nil {
		err = d.SyncDir(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(err, g.file.Close())
	}
	return &lineFile{g}, nil
}

// append adds a line.
func (f *lineFile) append(ctx context.Context, line any) error {
	text, err := json.Marshal(line)
	if err == nil {
		err = f.write(ctx, append(text, '\n'))
	}
	if err == nil {
		err = f.sync(ctx)
	}
	return err
}

// cutLine cuts off what is behind the last end of a line.
func (g *growing) cutLine() error {
	info, err := g.file.Stat()
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for g.length = info.Size(); g.length > 0; {
		n := min(g.length, int64(len(block)))
		if _, err := g.file.ReadAt(block[:n], g.length-n); err != nil {
			return err
		}
		if i := int64(bytes.LastIndexByte(block[:n], '\n')); i >= 0 {
			g.length += i + 1 - n
			break
		}
		g.length -= n
	}
	if g.length == info.Size() {
		return nil
	}
	return g.file.Truncate(g.length)
}

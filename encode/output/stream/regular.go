package stream

import (
	"context"
	"errors"
	"io"
	"io/fs"

	"pikabin/encode/disk"
	"pikabin/encode/sink"
)

// file is what a regular file can do, such as *os.File.
type file interface {
	io.WriteSeeker
	Truncate(size int64) error
	Stat() (fs.FileInfo, error)
}

// regular is a stream into a file of somebody else's, on a disk that may be full for a while.
type regular struct {
	file file
	disk *disk.Disk
}

// Write implements sink.Sink. What is there of a batch that cannot be written is taken out again: whatever is appended later does not
// begin in the middle of a line.
func (p *regular) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	left, begin := b.Data, int64(-1)
	err := p.disk.Retry(ctx, "standard output", func() error {
		n, err := p.file.Write(left)
		left = left[n:]
		if begin < 0 && n > 0 {
			begin = p.end() - int64(n) // not before: a file that is appended to has its place after the first write
		}
		return err
	})
	if written := int64(len(b.Data) - len(left)); err != nil && begin >= 0 && written > 0 {
		err = errors.Join(err, p.cut(begin, written))
	}
	b.Release()
	done(err)
}

// Close leaves the file to whoever opened it.
func (*regular) Close(context.Context) error { return nil }

// end is where the next byte goes, negative if that cannot be told.
func (p *regular) end() int64 {
	at, err := p.file.Seek(0, io.SeekCurrent)
	if err != nil {
		return -1
	}
	return at
}

// cut takes out what was written from begin on, if nobody else has written after it or between.
func (p *regular) cut(begin, written int64) error {
	info, err := p.file.Stat()
	if end := begin + written; err != nil || p.end() != end || info.Size() != end {
		return err
	}
	if err := p.file.Truncate(begin); err != nil {
		return err
	}
	_, err = p.file.Seek(begin, io.SeekStart)
	return err
}

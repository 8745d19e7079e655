package object

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"pikabin/encode/disk"
	"pikabin/encode/output/object/store"
	"pikabin/encode/vfs"
)

// How long the waits between two attempts are.
var firstWait, lastWait = 200 * time.Millisecond, 30 * time.Second

// metaSpool is what the object of a part tells of the spool that it came from.
const metaSpool = "pikabin-spool"

// deliver sends a part, or tells an hour, for as long as it takes.
func (b *outbox) deliver(p *parcel) {
	wait := firstWait
	for attempt := 1; ; attempt++ {
		err := b.attempt(p, b.checked || attempt > 1)
		switch {
		case b.life.Err() != nil:
			return
		case err == nil:
			if err = b.remove(p); err != nil {
				b.broken(err)
				return
			}
			b.finished(p)
			return
		case isHopeless(err):
			b.broken(err)
			return
		}
		b.failing(err, attempt)
		if !pause(b.life, wait) {
			return
		}
		wait = min(2*wait, lastWait)
	}
}

// pause waits, and reports false if the context ends first.
func pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// isHopeless tells what another attempt cannot mend: what is wrong with the spool, and an object of somebody else.
func isHopeless(err error) bool {
	_, other := errors.AsType[*OtherWriterError](err)
	_, changed := errors.AsType[*ChangedPartError](err)
	_, spool := errors.AsType[*spoolError](err)
	return other || changed || spool
}

// spoolError is an error of the disk that the spool is on.
type spoolError struct{ error }

// Unwrap gives the cause.
func (e *spoolError) Unwrap() error { return e.error }

// attempt sends a part once, or tells an hour. One that was tried before may have arrived all the same.
func (b *outbox) attempt(p *parcel, look bool) error {
	if p.isHour() {
		return b.tell(p)
	}
	if look {
		if err := b.compare(p); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	err := b.send(p) // which fails where an object is there, if the store keeps to conditions
	if errors.Is(err, store.ErrExists) {
		err = b.compare(p)
	}
	return err
}

// compare looks whether the object is this part: then it has arrived. It fails with fs.ErrNotExist if there is none.
func (b *outbox) compare(p *parcel) error {
	info, err := b.to.Head(b.life, p.Name)
	if err != nil {
		return err
	}
	if info.Size != p.Size || info.Meta[store.MetaSum] != p.Sum && p.Size > 0 {
		return &OtherWriterError{Object: b.to.String() + p.Name}
	}
	return nil
}

// send sends a part that is as it was when it was complete.
func (b *outbox) send(p *parcel) error {
	path := b.path(p.Name)
	file, err := vfs.OpenOwn(b.disk, path, os.O_RDONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return &ChangedPartError{Path: path, Text: fmt.Sprintf("it had %d bytes, it is not there any more", p.Size)}
	}
	if err != nil {
		return &spoolError{err}
	}
	defer file.Close()
	size, sum, err := sumOf(file)
	switch {
	case err != nil:
		return &spoolError{err}
	case size != p.Size || sum != p.Sum:
		return &ChangedPartError{Path: path, Text: fmt.Sprintf("it had %d bytes with SHA-256 %s, it has %d with %s", p.Size, p.Sum, size, sum)}
	}
	blob := &store.Blob{Content: file, Size: size, Type: b.content, Meta: map[string]string{store.MetaSum: sum, metaSpool: b.id}}
	if _, err := hex.Decode(blob.SHA256[:], []byte(sum)); err != nil {
		return &spoolError{err}
	}
	return b.to.Put(b.life, p.Name, blob)
}

// remove takes a part out of the spool that has been sent, and leaves a mark. Where no state is kept nobody asks for one.
func (b *outbox) remove(p *parcel) error {
	if p.isHour() {
		return nil
	}
	path, mark := b.path(p.Name), b.mark(p.Name)
	if b.stateless {
		return b.disk.Remove(path)
	}
	err := b.disk.Retry(b.life, mark, func() error { return b.disk.Rename(path, mark) })
	if err == nil {
		err = b.disk.SyncDir(filepath.Dir(mark))
	}
	if err != nil {
		return err
	}
	file, err := b.disk.OpenFile(mark, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	return file.Close()
}

// measure reads a file for its size and its sum, in hexadecimal digits.
func measure(d *disk.Disk, path string) (int64, string, error) {
	file, err := vfs.OpenOwn(d, path, os.O_RDONLY, 0)
	if err != nil {
		return 0, "", err
	}
	defer file.Close()
	return sumOf(file)
}

func sumOf(r io.Reader) (int64, string, error) {
	h := sha256.New()
	size, err := io.CopyBuffer(h, struct{ io.Reader }{r}, make([]byte, 64<<10))
	return size, hex.EncodeToString(h.Sum(nil)), err
}

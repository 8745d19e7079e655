package merge

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"pikabin/encode/frame"
	"pikabin/formats"
)

// frameSize is how much is compressed at a time: what is repeated is found within that only.
const frameSize = 4 << 20

// write makes a file that is messages one after the other, compressed as a whole or not.
func write(ctx context.Context, in *rows, w io.Writer, o Options) error {
	frames, err := frame.Of(in.parts[0].Ext).NewCompressor()
	if err != nil {
		return err
	}
	var plain, packed []byte
	flush := func() error {
		data := plain
		if frames != nil {
			packed = frames.AppendFrame(packed[:0], plain)
			data = packed
		}
		plain = plain[:0]
		_, err := w.Write(data)
		return err
	}
	for err == nil {
		if plain, err = appendNext(ctx, in, plain, o.Format.Name); err == nil && len(plain) >= frameSize {
			err = cancelled(ctx, flush())
		}
	}
	if err != io.EOF { //nolint:errorlint // what wraps it is an error
		return err
	}
	if len(plain) == 0 {
		return nil
	}
	return flush()
}

// cancelled is err, or why the context has ended.
func cancelled(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return context.Cause(ctx)
}

// appendNext appends the next message with what keeps it apart from the one after it.
func appendNext(ctx context.Context, in *rows, dst []byte, format string) ([]byte, error) {
	message, err := in.next(ctx)
	switch {
	case err != nil:
		return dst, err
	case format == "jsonl":
		return append(append(dst, message...), '\n'), nil
	}
	return append(binary.AppendUvarint(dst, uint64(len(message))), message...), nil
}

// seal makes a file that can only be made of all its messages.
func seal(ctx context.Context, in *rows, w io.Writer, o Options) error {
	s, err := o.Format.Seal(formats.SealOptions{
		Codec: in.origin.Codec, Level: 1, NoDB: in.origin.NoDB, Timestamps: in.origin.Timestamps, Version: o.Version, Workers: o.Workers,
	})
	if err != nil {
		return err
	}
	return s.Seal(ctx, &delimited{ctx: ctx, in: in}, w)
}

// delimited are messages, each with its length before it.
type delimited struct {
	ctx  context.Context //nolint:containedctx // of one call of seal
	in   *rows
	left []byte // to be read
	buf  []byte
}

// Read implements io.Reader.
func (d *delimited) Read(p []byte) (n int, err error) {
	for n < len(p) {
		if len(d.left) == 0 {
			if d.buf, err = appendNext(d.ctx, d.in, d.buf[:0], ""); err != nil {
				return n, err
			}
			d.left = d.buf
		}
		copied := copy(p[n:], d.left)
		n, d.left = n+copied, d.left[copied:]
	}
	return n, nil
}

// join makes a file of blocks: those of all parts after the head of one.
func join(ctx context.Context, in *rows, w io.Writer, o Options) error {
	head, err := headOf(in.parts, o.Format)
	if err != nil {
		return err
	}
	parts := in.parts
	if err := in.drain(ctx); err != nil {
		return err
	}
	if _, err := w.Write(head); err != nil {
		return err
	}
	omit := in.omitted // of the first part
	for _, p := range parts {
		if err := copyBlocks(w, p, int64(len(head)), omit); err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		omit = 0
	}
	return nil
}

// copyBlocks copies the blocks of a file, which begin at a place, but for those of so many events.
func copyBlocks(w io.Writer, p Part, at, omit int64) error {
	file, err := p.Open()
	if err != nil {
		return err
	}
	for err == nil && omit > 0 {
		var events, size int64
		events, size, err = blockAt(file, at)
		omit, at = omit-events, at+size
	}
	if err == nil && omit < 0 {
		err = errors.New("some events of a block are to be left out, which cannot be cut: it was made by another program")
	}
	if err == nil {
		_, err = io.Copy(w, io.NewSectionReader(file, at, file.Size()-at))
	}
	return errors.Join(err, file.Close())
}

// blockEnd is how long the mark is that ends a block.
const blockEnd = 16

// blockAt tells how many events a block of Avro has, and how long it is.
func blockAt(file io.ReaderAt, at int64) (events, size int64, err error) {
	head := make([]byte, 2*binary.MaxVarintLen64)
	n, err := file.ReadAt(head, at)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, 0, err
	}
	events, e := binary.Varint(head[:n])
	length, l := binary.Varint(head[max(e, 0):n])
	if e <= 0 || l <= 0 || events <= 0 || length < 0 {
		return 0, 0, fmt.Errorf("there is no block at byte %d", at)
	}
	return events, int64(e+l) + length + blockEnd, nil
}

// headOf is what all parts begin with.
func headOf(parts []Part, format formats.Format) (head []byte, err error) {
	for _, p := range parts {
		file, err := p.Open()
		if err != nil {
			return nil, err
		}
		own, err := ownHead(file, format)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if head != nil && !bytes.Equal(own, head) {
			return nil, fmt.Errorf("%s has another compression than %s", p.Name, parts[0].Name)
		}
		head = own
	}
	return head, nil
}

// ownHead is the head of a file, if it is one that this program writes.
func ownHead(file io.ReaderAt, format formats.Format) ([]byte, error) {
	for _, codec := range format.Codecs {
		f, err := format.File(codec, 1)
		if err != nil {
			return nil, err
		}
		head := f.AppendHead(nil)
		there := make([]byte, len(head))
		if _, err := file.ReadAt(there, 0); err == nil && bytes.Equal(head, there) {
			return head, nil
		} else if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
	}
	return nil, errors.New("the file has another schema than that of this program: it was made by another program, or another version of this one")
}

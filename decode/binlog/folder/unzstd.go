package folder

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow is the window that zstd -d takes without being asked for more, and the largest that any level or --long
// alone makes. The decoder takes memory for the window that a header names before it sees a byte of it.
const maxZstdWindow = 1 << 27

// zstdStream unpacks a stream with a decoder of zstdDecoders, which goes back there on Close.
type zstdStream struct{ *zstd.Decoder }

// zstdDecoders are *zstd.Decoder that nothing uses at the moment: to make one costs more than to unpack a small archive.
var zstdDecoders sync.Pool

func newUnzstd(r io.Reader) (io.ReadCloser, error) {
	if z, ok := zstdDecoders.Get().(*zstd.Decoder); ok {
		return zstdStream{z}, z.Reset(r)
	}
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxZstdWindow))
	return zstdStream{z}, err
}

// Close makes the decoder free for another stream.
func (s zstdStream) Close() error {
	err := s.Reset(nil)
	zstdDecoders.Put(s.Decoder)
	return err
}

// packedFile is an archive on the disk.
type packedFile interface {
	io.Reader
	io.ReaderAt
}

// unzstd unpacks the frames of a zstd file, and takes zeros after the last of them for padding, as those after a gzip file are. Both errors
// are of padding, too, by its length, so that the frames decide: what is wrong with them stays.
func unzstd(dst io.Writer, packed packedFile) error {
	err := unzstdFrames(dst, packed)
	if !errors.Is(err, zstd.ErrMagicMismatch) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	end := zstdEnd(packed)
	padded, errPadding := zerosFrom(packed, end)
	if end == 0 || !padded {
		return errors.Join(err, errPadding)
	}
	return unzstdFrames(io.Discard, io.NewSectionReader(packed, 0, end))
}

func unzstdFrames(dst io.Writer, packed io.Reader) error {
	r, err := decompressor(Zstd, packed)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(dst, r)
	return err
}

// zstdEnd is where no frame begins any more. Frames are not unpacked for it: all their lengths are known.
func zstdEnd(packed io.ReaderAt) (end int64) {
	for {
		next, ok := zstdFrame(packed, end)
		if !ok {
			return end
		}
		end = next
	}
}

// zstdFrame is the end of the frame that begins at an offset, if one does.
func zstdFrame(packed io.ReaderAt, at int64) (end int64, ok bool) {
	var buf [zstd.HeaderMaxSize]byte
	n, _ := packed.ReadAt(buf[:], at)
	var h zstd.Header
	if h.Decode(buf[:n]) != nil {
		return at, false
	}
	at += int64(h.HeaderSize) + int64(h.SkippableSize)
	for last := h.Skippable; !last; {
		if n, _ := packed.ReadAt(buf[:3], at); n < 3 {
			return at, false
		}
		const rle = 1 // a block of one byte, repeated
		block := int64(buf[0]) | int64(buf[1])<<8 | int64(buf[2])<<16
		last = block&1 != 0
		if at += 3 + block>>3; block>>1&3 == rle {
			at += 1 - block>>3
		}
	}
	if h.HasCheckSum {
		at += 4
	}
	return at, true
}

// zerosFrom reports whether there are zeros from an offset on, and nothing else.
func zerosFrom(packed io.ReaderAt, begin int64) (bool, error) {
	buf := make([]byte, 1<<15)
	for at := begin; ; {
		n, err := packed.ReadAt(buf, at)
		if len(bytes.Trim(buf[:n], "\x00")) > 0 {
			return false, nil
		}
		at += int64(n)
		switch {
		case errors.Is(err, io.EOF):
			return at > begin, nil
		case err != nil:
			return false, err
		}
	}
}

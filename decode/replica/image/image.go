package image

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"

	"pikabin/decode"
)

// HeadSize is how much of the beginning of a record's payload an image remembers: the header of its item.
const HeadSize = decode.ItemHeaderSize

// Image is one segment, from some record on. Add, Drop and Close are for one goroutine, View for another.
type Image struct {
	pool   *Pool
	blocks []*block // from that at first on; those before were let go of
	first  int64    // the offset of the first block
	shows  bool     // something was added that no view shows yet

	last   *block // that Add has used last, and its offset
	lastAt int64

	head [HeadSize]byte
}

// New is an image of a segment, of which nothing is there before an offset.
func New(p *Pool, from int64) *Image {
	return &Image{pool: p, first: from - from%decode.BlockSize}
}

// taker is a reader whose bytes are there already: they are copied once.
type taker interface{ Take(n int64) []byte }

// fill reads into all of b.
func fill(b []byte, r io.Reader) error {
	if t, ok := r.(taker); ok {
		if content := t.Take(int64(len(b))); content != nil {
			copy(b, content)
			return nil
		}
	}
	_, err := io.ReadFull(r, b)
	return err
}

// Add puts a record into the image, which begins at an offset and has a payload of so many bytes, as r gives it. Where
// that fails nothing has been added.
func (im *Image) Add(ctx context.Context, begin, size int64, r io.Reader) error {
	at, left := begin, size
	for first := true; first || left > 0; first = false {
		block, err := im.block(ctx, at)
		if err != nil {
			return err
		}
		data := block.data[at%decode.BlockSize:]
		n := min(left, int64(len(data))-headerSize)
		binary.LittleEndian.PutUint64(data, uint64(n)|uint64(kindOf(first, n == left))<<56)
		if err := fill(data[headerSize:headerSize+n], r); err != nil {
			return fmt.Errorf("reading a record of %d bytes: %w", size, err)
		}
		if size-left < HeadSize {
			copy(im.head[size-left:], data[headerSize:headerSize+n])
		}
		at, left = at+headerSize+n, left-n
		if rest := data[headerSize+n:]; len(rest) < headerSize {
			clear(rest) // no header has room
		}
	}
	return nil
}

// kindOf is the kind of a fragment.
func kindOf(begins, ends bool) decode.FragmentKind {
	switch {
	case begins && ends:
		return decode.FragmentFull
	case begins:
		return decode.FragmentFirst
	case ends:
		return decode.FragmentLast
	}
	return decode.FragmentMiddle
}

// block is that which holds an offset, the last one or a new one.
func (im *Image) block(ctx context.Context, offset int64) (*block, error) {
	if im.last != nil && offset-im.lastAt < decode.BlockSize {
		return im.last, nil
	}
	b, err := im.find(ctx, offset)
	im.last, im.lastAt = b, offset-offset%decode.BlockSize
	return b, err
}

func (im *Image) find(ctx context.Context, offset int64) (*block, error) {
	im.pool.mu.Lock()
	i := int((offset - im.first) / decode.BlockSize)
	if i < len(im.blocks) {
		b := im.blocks[i]
		im.pool.mu.Unlock()
		return b, nil
	}
	im.pool.mu.Unlock()
	for {
		b, err := im.pool.take(ctx, im)
		if err != nil {
			return nil, err
		}
		im.pool.mu.Lock()
		im.blocks = append(im.blocks, b)
		i = int((offset - im.first) / decode.BlockSize) // views have let go of others meanwhile
		more := i >= len(im.blocks)
		im.pool.mu.Unlock()
		if more || offset%decode.BlockSize > 0 {
			clear(b.data[:]) // it is not written from its beginning on, and may have been used
		}
		if !more {
			return b, nil
		}
	}
}

// Head is the beginning of the payload that was added last.
func (im *Image) Head(size int64) []byte { return im.head[:min(size, HeadSize)] }

// Show says that views up to what was added last may be had now.
func (im *Image) Show() {
	im.pool.mu.Lock()
	defer im.pool.mu.Unlock()
	if im.pool.over == im {
		im.pool.over = nil
	}
	if !im.shows {
		im.shows = true
		im.pool.flowing++
	}
}

// View gives the bytes between two offsets, with what lets go of them. Of the image nothing before the second one is needed any
// more, but for its block. last says that it is what was shown last.
func (im *Image) View(from, to int64, last bool) (io.ReaderAt, func()) {
	im.pool.mu.Lock()
	defer im.pool.mu.Unlock()
	v := &view{first: from - from%decode.BlockSize, end: to}
	v.blocks = append(v.blocks, im.blocks[(v.first-im.first)/decode.BlockSize:(to-1-im.first)/decode.BlockSize+1]...)
	for _, b := range v.blocks {
		b.users++
	}
	if !last {
		im.pool.flowing++
	} else {
		im.shows = false // what was flowing is the view now
	}
	im.letGo(to)
	return v, func() { im.pool.releaseView(v) }
}

func (p *Pool) releaseView(v *view) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flowing--
	p.release(v.blocks)
	v.blocks = nil
}

// letGo lets go of the blocks that are full before an offset.
func (im *Image) letGo(before int64) {
	n := min((before-im.first)/decode.BlockSize, int64(len(im.blocks)))
	im.pool.release(im.blocks[:n])
	im.blocks, im.first = im.blocks[n:], im.first+n*decode.BlockSize
}

// Drop forgets a record that was not added whole after an offset.
func (im *Image) Drop(after int64) {
	im.last = nil
	im.pool.mu.Lock()
	defer im.pool.mu.Unlock()
	if im.pool.over == im {
		im.pool.over = nil
	}
	n := min(max((after-im.first+decode.BlockSize-1)/decode.BlockSize, 0), int64(len(im.blocks)))
	im.pool.release(im.blocks[n:])
	im.blocks = im.blocks[:n]
}

// Close lets go of all that no view shows.
func (im *Image) Close() {
	im.Drop(im.first)
	im.pool.mu.Lock()
	defer im.pool.mu.Unlock()
	if im.shows {
		im.shows = false
		im.pool.flowing--
	}
}

// ReadAt reads what was added, for the goroutine of Add.
func (im *Image) ReadAt(b []byte, offset int64) (int, error) {
	im.pool.mu.Lock()
	v := view{first: im.first, end: im.first + int64(len(im.blocks))*decode.BlockSize, blocks: im.blocks}
	im.pool.mu.Unlock()
	return v.ReadAt(b, offset)
}

// view is a part of an image that changes no more.
type view struct {
	first, end int64
	blocks     []*block
}

// At gives the bytes from an offset to the end of its block.
func (v *view) At(offset int64) []byte {
	if offset < v.first || offset >= v.end {
		return nil
	}
	in := offset - v.first
	data := v.blocks[in/decode.BlockSize].data[in%decode.BlockSize:]
	return data[:min(int64(len(data)), v.end-offset)]
}

func (v *view) ReadAt(b []byte, offset int64) (int, error) {
	if offset < v.first {
		return 0, fmt.Errorf("offset %d is before the image, which begins at %d", offset, v.first)
	}
	n := 0
	for n < len(b) && offset < v.end {
		m := copy(b[n:], v.At(offset))
		n, offset = n+m, offset+int64(m)
	}
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

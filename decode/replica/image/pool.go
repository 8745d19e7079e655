package image

import (
	"context"
	"sync"

	"pikabin/decode"
)

// block is one block of a segment.
type block struct {
	data  [decode.BlockSize]byte
	users int // the image that writes it, and the views that show it
}

// Pool bounds the blocks of all images. An image waits for a block as long as anything that is whole may be let go of. Where all
// blocks are of records that are not whole yet, one image at a time may take more than the bound: a record may be larger than that.
type Pool struct {
	mu      sync.Mutex
	limit   int
	used    int
	flowing int    // views that are to be released, and images that have something to show
	over    *Image // which may exceed the limit
	waits   int    // images that wait for a block
	free    []*block
	changed chan struct{} // closed and replaced when something was let go of
}

// maxFree is how many blocks that nobody uses are kept: 16 MiB.
const maxFree = 256

// NewPool bounds the blocks of images to so many bytes, and to one block at least.
func NewPool(bytes int64) *Pool {
	return &Pool{limit: int(max(bytes/decode.BlockSize, 1)), changed: make(chan struct{})}
}

// Used is how many bytes the blocks that are in use take.
func (p *Pool) Used() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return int64(p.used) * decode.BlockSize
}

// take gives an image a block, once there is room.
func (p *Pool) take(ctx context.Context, im *Image) (*block, error) {
	for {
		p.mu.Lock()
		if p.may(im) {
			b := p.give()
			p.mu.Unlock()
			return b, nil
		}
		changed := p.changed
		p.waits++
		p.mu.Unlock()
		var err error
		select {
		case <-changed:
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
		p.mu.Lock()
		p.waits--
		p.mu.Unlock()
		if err != nil {
			return nil, err
		}
	}
}

// Waits says that an image waits for a block.
func (p *Pool) Waits() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waits > 0
}

// may says whether an image may have a block now.
func (p *Pool) may(im *Image) bool {
	switch {
	case p.used < p.limit:
	case p.flowing > 0 || p.over != nil && p.over != im:
		return false
	default:
		p.over = im
	}
	return true
}

func (p *Pool) give() *block {
	p.used++
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		b.users = 1
		return b
	}
	return &block{users: 1}
}

// release lets go of blocks, for one of their users.
func (p *Pool) release(blocks []*block) {
	for _, b := range blocks {
		if b.users--; b.users > 0 {
			continue
		}
		p.used--
		if len(p.free) < maxFree {
			p.free = append(p.free, b)
		}
	}
	close(p.changed)
	p.changed = make(chan struct{})
}

package binlog

import (
	"context"
	"io"

	"pikabin/decode/binlog/folder"
)

// prefetcher unpacks archives before they are needed, each in a goroutine of its own.
type prefetcher struct {
	log     *Log
	stop    <-chan struct{} // ends the waiting; nil: nothing does
	pending map[uint32]*unpacking
}

// unpacking is an archive on its way. file and err are set when done is closed.
type unpacking struct {
	done   chan struct{}
	cancel context.CancelFunc
	file   *folder.File
	err    error
}

// start begins to unpack a segment, if it is an archive and not begun yet.
func (p *prefetcher) start(ctx context.Context, s folder.Segment) {
	if _, ok := p.pending[s.Number]; ok || s.Compression == folder.Plain {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	u := &unpacking{done: make(chan struct{}), cancel: cancel}
	p.pending[s.Number] = u
	go func() {
		defer close(u.done)
		u.file, u.err = p.log.Open(ctx, s)
	}()
}

// take gives the file of a segment, waiting for it if it was started. The caller owns it. What could not be unpacked
// ahead is tried again now that it is needed: the context may be another one, and the disk may have room
// again. It is io.EOF when the plan was stopped.
func (p *prefetcher) take(ctx context.Context, s folder.Segment) (*folder.File, error) {
	u, ok := p.pending[s.Number]
	if !ok {
		return p.log.Open(ctx, s)
	}
	select {
	case <-u.done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-p.stop:
		return nil, io.EOF
	}
	delete(p.pending, s.Number)
	u.cancel()
	if u.err != nil {
		return p.log.Open(ctx, s)
	}
	return u.file, nil
}

// close stops what is under way, waits for it, and lets go of what nobody took.
func (p *prefetcher) close() error {
	var first error
	for number, u := range p.pending {
		u.cancel()
		<-u.done
		if u.file != nil {
			if err := u.file.Release(); first == nil {
				first = err
			}
		}
		delete(p.pending, number)
	}
	return first
}

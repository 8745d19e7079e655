package chain

import (
	"context"
	"fmt"
	"io"

	"pikabin/decode"
	"pikabin/decode/replica/image"
	"pikabin/decode/replica/wire"
)

// Place is up to where a log was read.
type Place struct {
	decode.Position
	Fence decode.Fence // of it, with Record and Content; the zero fence if no record was read

	// Unproven says that a record was read that ends there, of which no fence was kept: the first one has to name the place.
	Unproven bool
}

// Knows says that the record before the place is known again.
func (p *Place) Knows() bool { return p.Fence.Content != (decode.Sum{}) }

// Start is where to attach: at the beginning of the last record that was read, so that it is sent once more.
func (p *Place) Start() decode.Position {
	if p.Knows() {
		return decode.Position{Segment: p.Segment, Offset: p.Fence.Record}
	}
	return p.Position
}

// OtherError is a record that is not the one that was read before.
type OtherError struct{ Reason string }

// Error says what differs.
func (e *OtherError) Error() string { return e.Reason }

// Recognise reads the record that ends at the place. Another one is an *OtherError.
func (p *Place) Recognise(ctx context.Context, pool *image.Pool, it *wire.Item, r io.Reader) error {
	begin := p.Fence.Record
	if it.End != p.Position || image.End(begin, it.Size) != it.End.Offset {
		return &OtherError{fmt.Sprintf("the record that begins at %d:%d ends at %v, and ended at %v when it was read", p.Segment, begin, it.End, p.Position)}
	}
	im := image.New(pool, begin)
	defer im.Close()
	if err := im.Add(ctx, begin, it.Size, r); err != nil {
		return err
	}
	have, err := decode.NewContentFence(im, begin, it.End.Offset, decode.G5)
	if err == nil && have.Content != p.Fence.Content {
		err = &OtherError{fmt.Sprintf("the record that ends there has the fingerprint %x, and had %x when it was read", have.Content, p.Fence.Content)}
	}
	return err
}

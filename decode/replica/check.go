package replica

import (
	"context"
	"errors"
	"fmt"
	"io"

	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/image"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/link"
	"pikabin/decode/replica/wire"
)

// errRecognised ends the reading of who only wants to know.
var errRecognised = errors.New("the record is the same")

// checker looks at the first record alone.
type checker struct {
	ctx   context.Context //nolint:containedctx // of one call
	pool  *image.Pool
	place *chain.Place
	db    string
}

// Payload compares the record.
func (c *checker) Payload(it *wire.Item, r io.Reader) error {
	if it.IsPing() {
		return nil
	}
	if it.DB != c.db {
		return fmt.Errorf("a record of %q among those of %s", it.DB, c.db)
	}
	return c.place.Recognise(c.ctx, c.pool, it, r)
}

// Item ends the reading.
func (*checker) Item(it *wire.Item) error {
	if it.IsPing() {
		return nil
	}
	return errRecognised
}

// check attaches at a place to see whether the history before it is what was read, and leaves.
func check(ctx context.Context, s *link.Server, db string, p *chain.Place) error {
	e, err := s.Dial(ctx, db)
	if err != nil {
		return err
	}
	defer e.End(nil)
	end, err := e.Try(p.Start())
	switch {
	case err != nil || !p.Knows():
		return err
	case end.Before(p.Position):
		return &link.AnswerError{Reply: inner.Reply_SYNC_LARGER, Want: p.Position, End: end, HasEnd: true}
	}
	if err := e.First(p.Start()); err != nil {
		return err
	}
	if err := e.Within(s.Version().Silence); err != nil {
		return err
	}
	c := &checker{ctx: ctx, pool: image.NewPool(s.Options.Memory), place: p, db: db}
	for err == nil {
		err = e.Receive(c)
	}
	if errors.Is(err, errRecognised) {
		return nil
	}
	return err
}

package binlog

import (
	"context"
	"errors"
	"io"

	"pikabin/decode"
)

// Backfill gives the chunks of several plans, one plan after the other. It belongs to one goroutine.
type Backfill struct {
	plans []*Plan
}

// NewBackfill chains plans, which it closes as they end.
func NewBackfill(plans ...*Plan) *Backfill { return &Backfill{plans: plans} }

// Next is Plan.Next of the first plan that is not at its end.
func (b *Backfill) Next(ctx context.Context) (decode.Chunk, error) {
	for len(b.plans) > 0 {
		chunk, err := b.plans[0].Next(ctx)
		if err == nil {
			return chunk, nil
		}
		if err != io.EOF { //nolint:errorlint // what wraps it is an error, such as that of an archive which ends too early
			return decode.Chunk{}, err
		}
		if err := b.plans[0].Close(); err != nil {
			return decode.Chunk{}, err
		}
		b.plans = b.plans[1:]
	}
	return decode.Chunk{}, io.EOF
}

// Close closes the plans that have not come to their end.
func (b *Backfill) Close() error {
	var errs []error
	for _, p := range b.plans {
		errs = append(errs, p.Close())
	}
	b.plans = nil
	return errors.Join(errs...)
}

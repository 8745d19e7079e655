package binlog

import (
	"context"
	"errors"
	"io"

	"pikabin/decode"
)

// Source gives the chunks of several plans, one plan after the other. It belongs to one goroutine.
type Source struct {
	plans []*Plan
}

// NewSource chains plans, which it closes as they end.
func NewSource(plans ...*Plan) *Source { return &Source{plans: plans} }

// Next is Plan.Next of the first plan that is not at its end.
func (s *Source) Next(ctx context.Context) (decode.Chunk, error) {
	for len(s.plans) > 0 {
		chunk, err := s.plans[0].Next(ctx)
		if err == nil {
			return chunk, nil
		}
		if err != io.EOF { //nolint:errorlint // what wraps it is an error, such as that of an archive which ends too early
			return decode.Chunk{}, err
		}
		if err := s.plans[0].Close(); err != nil {
			return decode.Chunk{}, err
		}
		s.plans = s.plans[1:]
	}
	return decode.Chunk{}, io.EOF
}

// Close closes the plans that have not come to their end.
func (s *Source) Close() error {
	var errs []error
	for _, p := range s.plans {
		errs = append(errs, p.Close())
	}
	s.plans = nil
	return errors.Join(errs...)
}

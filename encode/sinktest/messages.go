package sinktest

import (
	"bytes"
	"context"
	"fmt"

	"pikabin/encode/sink"
)

// Messages is a sink that keeps what it gets as messages.
type Messages struct {
	Collector
	Values [][]byte
	Texts  []string
}

// Write implements sink.Sink.
func (s *Messages) Write(_ context.Context, b *sink.Batch, done func(error)) {
	for _, m := range b.Messages {
		s.Values = append(s.Values, bytes.Clone(b.Data[m.Begin:m.End]))
		s.Texts = append(s.Texts, fmt.Sprintf("%v %d/%d %v %v %q %v %d", m.At, m.Part, m.Parts, m.Op, m.Type,
			b.Keys[m.KeyBegin:m.KeyEnd], m.HasKey, m.Time))
	}
	b.Release()
	done(nil)
}

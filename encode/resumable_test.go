package encode_test

import (
	"context"
	"math/rand/v2"
	"sync"

	"pikabin/encode/sink"
)

// memory is a Resumable that keeps in memory what it is given. Its note is a length. It asks for a flush at any write.
type memory struct {
	mu       sync.Mutex
	rng      *rand.Rand
	data     []byte
	waiting  []func(error) // since the last flush
	saved    []memoryNote
	flushErr error // of the next flush
	due      chan struct{}
	closed   bool
}

type memoryNote struct {
	Length   int  `json:"length"`
	Complete bool `json:"complete"`
}

func newMemory(seed uint64) *memory {
	return &memory{rng: rand.New(rand.NewPCG(seed, 3)), due: make(chan struct{}, 1)}
}

func (m *memory) Write(_ context.Context, b *sink.Batch, done func(error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = append(m.data, b.Data...)
	b.Release()
	m.waiting = append(m.waiting, done)
	if m.rng.IntN(3) == 0 {
		select {
		case m.due <- struct{}{}:
		default:
		}
	}
}

func (m *memory) Flush(_ context.Context, at sink.Moment) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.flushErr; err != nil {
		m.flushErr = nil
		return nil, err
	}
	for _, done := range m.waiting {
		done(nil)
	}
	m.waiting = nil
	return memoryNote{Length: len(m.data), Complete: at >= sink.End}, nil
}

func (m *memory) Saved(_ context.Context, note any) error {
	m.saved = append(m.saved, note.(memoryNote))
	return nil
}

func (m *memory) Due() <-chan struct{} { return m.due }

func (m *memory) Close(context.Context) error { m.closed = true; return nil }

// undue is a memory that asks for no flush.
type undue struct{ memory }

func (*undue) Due() <-chan struct{} { return nil }

// eager is a Resumable that is flushed before its write returns.
type eager struct {
	memory
	flushed chan struct{}
}

func (e *eager) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	e.memory.Write(ctx, b, done)
	select {
	case e.due <- struct{}{}:
	default:
	}
	<-e.flushed
}

func (e *eager) Flush(ctx context.Context, at sink.Moment) (any, error) {
	defer func() {
		select {
		case e.flushed <- struct{}{}:
		default:
		}
	}()
	return e.memory.Flush(ctx, at)
}

func newEager(seed uint64) *eager {
	e := &eager{flushed: make(chan struct{}, 1)}
	e.rng, e.due = rand.New(rand.NewPCG(seed, 3)), make(chan struct{}, 1)
	return e
}

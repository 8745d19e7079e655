package traffic

import (
	"context"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/sink"
)

// lanes is how many goroutines reckon. It is the same on every machine, since what is kept of very many keys depends on it.
const lanes = 4

// Options are what a user decides.
type Options struct {
	Step      time.Duration // of the timeline, in whole seconds
	Delimiter string        // after the prefix of a key
	Top       int           // how many keys, prefixes and values are listed
}

// Output is what a log is reckoned by. Summary can be asked for at any time.
type Output struct {
	rules rules
	lanes [lanes]lane
	done  sync.WaitGroup

	batches int // that have come
	mu      sync.Mutex
	names   []string // of logs
	numbers map[string]uint32
}

// lane reckons some of the batches.
type lane struct {
	work   chan work
	mu     sync.Mutex // of the totals
	totals *totals
}

// work is a batch that waits.
type work struct {
	batch *sink.Batch
	log   uint32
	done  func(error)
}

// New makes one.
func New(o Options) *Output {
	out := &Output{
		rules:   rules{step: int64(o.Step / time.Second), delimiter: []byte(o.Delimiter), top: o.Top},
		numbers: map[string]uint32{},
	}
	for i := range out.lanes {
		out.lanes[i].totals = newTotals(&out.rules)
	}
	return out
}

var _ sink.Output = (*Output)(nil)

// Target implements sink.Output: no file is written.
func (*Output) Target() sink.Target { return sink.Target{} }

// Identity implements sink.Output.
func (*Output) Identity(context.Context, sink.Monitor) (string, error) { return "stats", nil }

// Open implements sink.Output.
func (o *Output) Open(context.Context, sink.Env) (sink.Opened, error) {
	for i := range o.lanes {
		l := &o.lanes[i]
		l.work = make(chan work, 1)
		o.done.Go(l.run)
	}
	return sink.Opened{Sink: o}, nil
}

// Write implements sink.Sink.
func (o *Output) Write(ctx context.Context, b *sink.Batch, done func(error)) {
	l := &o.lanes[o.batches%lanes]
	o.batches++
	select {
	case l.work <- work{b, o.number(b.Log), done}:
	case <-ctx.Done():
		b.Release()
		done(context.Cause(ctx))
	}
}

// Close implements sink.Sink: it waits until all is reckoned.
func (o *Output) Close(context.Context) error {
	for i := range o.lanes {
		close(o.lanes[i].work)
	}
	o.done.Wait()
	return nil
}

// number gives the number of a log. One that was made anew is the same log.
func (o *Output) number(log *decode.Log) uint32 {
	o.mu.Lock()
	defer o.mu.Unlock()
	name := log.String()
	n, ok := o.numbers[name]
	if !ok {
		n = uint32(len(o.names))
		o.numbers[name], o.names = n, append(o.names, name)
	}
	return n
}

func (l *lane) run() {
	for w := range l.work {
		l.mu.Lock()
		l.totals.take(w.log, w.batch.Data)
		l.mu.Unlock()
		w.batch.Release()
		w.done(nil)
	}
}

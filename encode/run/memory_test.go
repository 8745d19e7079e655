package run_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
	"pikabin/encode/run"
	"pikabin/encode/sink"
)

// memoryLog is a log in memory: what a writer has written, from the oldest position that is left up to an end.
type memoryLog struct {
	id     *decode.Log
	w      *binlogtest.Writer
	oldest decode.Position
	end    decode.Position
	broken error // what CheckFence says, if it is set
}

// newLog is a log of one segment with some records, which name their log.
func newLog(db string, records int) *memoryLog {
	l := &memoryLog{id: &decode.Log{DB: db, Slot: -1}, w: binlogtest.NewWriter(binlogtest.Options{})}
	l.put(records)
	return l
}

func (l *memoryLog) put(records int) {
	for range records {
		l.w.Command("SET", l.id.DB, "value")
	}
	l.end = l.w.Position()
}

func (l *memoryLog) ID() *decode.Log               { return l.id }
func (l *memoryLog) HistoryStart() decode.Position { return l.oldest }
func (l *memoryLog) Refresh() error                { l.end = l.w.Position(); return nil }

func (l *memoryLog) Resolve(_ context.Context, w decode.Where) (decode.Position, error) {
	if p, ok := w.Position(); ok || !w.IsEnd() {
		return p, nil
	}
	return l.end, nil
}

func (l *memoryLog) Fence(_ context.Context, p decode.Position) (decode.Fence, error) {
	if l.end.Before(p) {
		return decode.Fence{}, &decode.BeyondError{Log: l.id, Want: p, End: l.end}
	}
	for _, r := range l.w.Records() {
		if r.Segment == p.Segment && r.End == p.Offset {
			return decode.NewFence(bytes.NewReader(l.w.Bytes(p.Segment)), r.Offset, r.End, decode.G5)
		}
	}
	return decode.Fence{}, nil
}

func (l *memoryLog) CheckFence(ctx context.Context, p decode.Position, want decode.Fence) error {
	if l.broken != nil {
		return l.broken
	}
	have, err := l.Fence(ctx, p)
	if err != nil || want.Bytes == (decode.Sum{}) || have.Bytes == want.Bytes {
		return err
	}
	return &decode.RewrittenError{Log: l.id, From: p, To: l.HistoryStart(), Reason: "other bytes", SameRecord: have.Content == want.Content}
}

func (l *memoryLog) Peek(_ context.Context, p decode.Position, look func(*decode.Chunk) error) error {
	if missing := l.missing(p); missing != nil {
		return look(&decode.Chunk{Missing: missing})
	}
	return nil
}

// missing is what is gone at a position; nil: nothing is.
func (l *memoryLog) missing(p decode.Position) decode.Hole {
	if p.Before(l.oldest) {
		return &decode.PurgedError{Log: l.id, Want: p, Oldest: l.oldest}
	}
	return nil
}

// chunk is the rest of a log.
func (l *memoryLog) chunk(from decode.Position) decode.Chunk {
	return decode.Chunk{
		Blocks: bytes.NewReader(l.w.Bytes(from.Segment)), Release: func() {},
		Span: decode.Span{
			Log: l.id, Segment: from.Segment, Begin: from.Offset, End: l.end.Offset, Limit: l.end.Offset, Exact: true, Generation: decode.G5,
		},
	}
}

// memorySource reads logs in memory, and follows them if something may still happen.
type memorySource struct {
	*rig
	begin   run.Begin
	reading []*reading
	closing error // what Close says

	once sync.Once
	stop chan struct{}
}

// reading is how far a log has been read.
type reading struct {
	log     *memoryLog
	missing decode.Hole
	at      decode.Position
}

func (s *memorySource) add(ctx context.Context, l *memoryLog, late bool) error {
	place, err := s.begin(ctx, l, late)
	if err == nil {
		s.places = append(s.places, place)
		s.reading = append(s.reading, &reading{l, place.Before, place.From()})
	}
	return err
}

func (s *memorySource) Next(ctx context.Context) (decode.Chunk, error) {
	s.call("next")
	for {
		select {
		case <-s.stop:
			return decode.Chunk{}, io.EOF
		default:
		}
		if chunk, ok := s.chunk(); ok {
			return chunk, nil
		}
		select {
		case happen, ok := <-s.news: // nil: nothing happens any more
			if !ok {
				return decode.Chunk{}, io.EOF
			}
			if err := happen(ctx, s); err != nil {
				return decode.Chunk{}, err
			}
		case <-s.stop:
		case <-ctx.Done():
			return decode.Chunk{}, context.Cause(ctx)
		}
	}
}

func (s *memorySource) chunk() (decode.Chunk, bool) {
	for _, r := range s.reading {
		missing := r.missing
		if missing == nil {
			missing = r.log.missing(r.at)
		}
		switch {
		case missing != nil:
			r.missing = nil
			_, _, r.at = missing.Hole()
			return decode.Missing(missing), true
		case r.at.Before(r.log.end):
			chunk := r.log.chunk(r.at)
			r.at = r.log.end
			return chunk, true
		}
	}
	return decode.Chunk{}, false
}

func (s *memorySource) Stop()                                           { s.once.Do(func() { close(s.stop) }) }
func (*memorySource) Status() []health.LogStatus                        { return nil }
func (s *memorySource) Delivered(marks map[*decode.Log]checkpoint.Mark) { s.delivered = marks }
func (s *memorySource) Close() error                                    { s.call("close source"); return s.closing }

// memoryOutput keeps what it is given, and where it keeps positions those, too.
type memoryOutput struct {
	*rig
	target    sink.Target
	identity  string
	positions map[string]checkpoint.Mark  // nil: it keeps none
	opening   error                       // what Open says
	hold      func(context.Context) error // what Open waits for, and what it ends with; nil: nothing
	closing   error                       // what Close says
	take      func(b *sink.Batch) error   // nil: everything is taken
	traits    sink.Traits

	mu   sync.Mutex
	data []byte
}

func (o *memoryOutput) Target() sink.Target { return o.target }

func (o *memoryOutput) Identity(context.Context, sink.Monitor) (string, error) {
	o.call("identity")
	return o.identity, nil
}

func (o *memoryOutput) Open(ctx context.Context, _ sink.Env) (sink.Opened, error) {
	o.call("output")
	if o.hold != nil {
		return sink.Opened{}, o.hold(ctx)
	}
	opened := sink.Opened{Sink: o, Traits: o.traits}
	if o.positions != nil {
		opened.Sink, opened.Found.Positions = transactional{o}, o.positions
	}
	return opened, o.opening
}

func (o *memoryOutput) Write(_ context.Context, b *sink.Batch, done func(error)) {
	var err error
	if o.take != nil {
		err = o.take(b)
	}
	if errors.Is(err, errNever) {
		return
	}
	o.mu.Lock()
	if err == nil {
		o.data = append(o.data, b.Data...)
	}
	o.mu.Unlock()
	b.Release()
	done(err)
}

// errNever says that a batch is neither taken nor refused.
var errNever = errors.New("never")

func (o *memoryOutput) Close(context.Context) error { o.call("close output"); return o.closing }

// lines are what was delivered.
func (o *memoryOutput) lines() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var lines []string
	for line := range bytes.Lines(o.data) {
		lines = append(lines, string(line))
	}
	return slices.Clip(lines)
}

// transactional keeps the positions beside the events.
type transactional struct{ *memoryOutput }

func (transactional) Begin(context.Context, map[*decode.Log]checkpoint.Mark) error { return nil }
func (transactional) Pass(*decode.Log, checkpoint.Mark)                            {}

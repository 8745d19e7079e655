package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/image"
	"pikabin/decode/replica/link"
)

// Start says where a log is read from, what is missing before that, and where it is to end; nil: it grows.
type Start struct {
	From   decode.Position
	Fence  decode.Fence
	Saved  bool        // an earlier run has read up to From
	Before decode.Hole // what is missing before From; nil: nothing
	Until  *decode.Position
}

// Begin decides that for a log. late: it was not there at the start.
type Begin func(ctx context.Context, l *Log, late bool) (Start, error)

// Stream reads logs of a server, each in its order, interleaved. What is missing comes in its place. Next is for one goroutine at a
// time, the other methods for any.
type Stream struct {
	server *link.Server
	begin  Begin
	pool   *image.Pool
	grows  bool // new logs are taken, too
	wake   chan struct{}
	ctx    context.Context //nolint:containedctx // of all its goroutines
	cancel context.CancelCauseFunc
	all    sync.WaitGroup
	turn   int

	stopOnce sync.Once
	stop     chan struct{}

	mu        sync.Mutex
	followers []*follower
	refused   error // of the server
	silent    error // it does not answer on its ordinary port
	since     time.Time
	told      bool // of that
}

// Open begins to read logs. Those that appear later are read, too, if the server is followed.
func Open(ctx context.Context, s *link.Server, logs []*Log, follow bool, begin Begin) (*Stream, error) {
	if s.Options.As != "" && len(logs) > 1 {
		return nil, link.Refuse("as= is the name of one connection, and there is one for each of the %d DBs: name one DB, or leave it out", len(logs))
	}
	t := &Stream{server: s, begin: begin, pool: image.NewPool(s.Options.Memory), grows: follow, wake: make(chan struct{}, 1), stop: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	for _, l := range logs {
		if err := t.follow(ctx, l, false); err != nil {
			return nil, errors.Join(err, t.Close())
		}
	}
	t.all.Go(t.watch)
	return t, nil
}

// follow begins to read a log.
func (t *Stream) follow(ctx context.Context, l *Log, late bool) error {
	if err := t.readable(l); err != nil {
		return err
	}
	start, err := t.begin(ctx, l, late)
	if err != nil {
		return err
	}
	f := &follower{
		server: t.server, log: l, pool: t.pool, notify: t.notify, until: start.Until, ctx: t.ctx,
		place: chain.Place{Position: start.From, Fence: start.Fence}, record: -1, shown: -1,
	}
	f.place.Unproven = start.Saved && !f.place.Knows()
	f.saved, f.group = start.From, t.server.Seen().Group
	f.reached.Store(&start.From)
	if start.Before != nil {
		f.skip(start.Before)
	}
	t.mu.Lock()
	t.followers = append(t.followers, f)
	t.mu.Unlock()
	t.all.Go(f.run)
	return nil
}

// maxLogs is how many logs of a server are read. Pika has eight at most, and each takes a connection, which costs the server a thread's attention
// and both sides memory.
const maxLogs = 256

// readable refuses a log that cannot be read beside the others, or that no output can name.
func (t *Stream) readable(l *Log) error {
	switch {
	case !utf8.ValidString(l.id.DB):
		return link.Refuse("the server has a DB %q, whose name is no UTF-8: name with --db those that are to be read", l.id.DB)
	case len(t.list()) >= maxLogs:
		return link.Refuse("the server has more than %d DBs, each of which takes a connection: name with --db those that are to be read", maxLogs)
	}
	return nil
}

func (t *Stream) notify() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// watch asks the server how it is.
func (t *Stream) watch() {
	tick := time.NewTicker(lookTime)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-t.ctx.Done():
			return
		}
		_, err := t.server.Look(t.ctx)
		if t.ctx.Err() == nil {
			t.looked(err)
		}
		t.notify()
	}
}

// looked notes how a look has ended.
func (t *Stream) looked(err error) {
	sends := t.sends()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.told && err == nil:
		t.told = false
		t.server.Options.Note(t.server.Seen().Host, "the server answers INFO again")
	case !t.told && err != nil && t.silent != nil && sends: // else it is said already that the server is away
		t.told = true
		t.server.Options.Note(t.server.Seen().Host, fmt.Sprintf("the server sends the log, and does not answer INFO, so that it is not known whether that is all: %v", err))
	}
	if _, ok := errors.AsType[*link.RefusedError](err); ok {
		t.refused = err
	}
	if err != nil && t.silent == nil {
		t.since = time.Now()
	}
	t.silent = err
}

// sends says that all logs are being sent.
func (t *Stream) sends() bool {
	for _, f := range t.list() {
		f.mu.Lock()
		trouble := f.trouble
		f.mu.Unlock()
		if trouble != nil {
			return false
		}
	}
	return true
}

// Next gives the next chunk of any log, and io.EOF at the end of all, after Stop, and when nothing has come for Options.Idle.
func (t *Stream) Next(ctx context.Context) (decode.Chunk, error) {
	var idle <-chan time.Time
	if t.server.Options.Idle > 0 {
		timer := time.NewTimer(t.server.Options.Idle)
		defer timer.Stop()
		idle = timer.C
	}
	for {
		if t.stopped() {
			return decode.Chunk{}, io.EOF
		}
		if err := t.lookAround(ctx); err != nil {
			return decode.Chunk{}, err
		}
		chunk, ok, err := t.round()
		if ok || err != nil {
			return chunk, err
		}
		select {
		case <-t.wake:
		case <-idle:
			return decode.Chunk{}, io.EOF
		case <-t.stop:
		case <-ctx.Done():
			return decode.Chunk{}, context.Cause(ctx)
		}
	}
}

func (t *Stream) stopped() bool {
	select {
	case <-t.stop:
		return true
	default:
		return false
	}
}

// round asks the logs in turn.
func (t *Stream) round() (chunk decode.Chunk, ok bool, err error) {
	list := t.list()
	ended := !t.grows
	for range list {
		f := list[t.turn%len(list)]
		t.turn++
		chunk, ok, done, err := f.next()
		if ok || err != nil {
			return chunk, ok, err
		}
		ended = ended && done
	}
	if ended {
		err = io.EOF
	}
	return chunk, false, err
}

func (t *Stream) list() []*follower {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clip(t.followers)
}

// lookAround takes up logs that have appeared.
func (t *Stream) lookAround(ctx context.Context) error {
	t.mu.Lock()
	refused := t.refused
	t.mu.Unlock()
	if refused != nil || !t.grows {
		return refused
	}
	for _, l := range Logs(t.server) {
		if t.follows(l) {
			continue
		}
		t.server.Options.Note(l.id.String(), "a new log: reading it from its start")
		if err := t.follow(ctx, l, true); err != nil {
			return err
		}
	}
	return nil
}

func (t *Stream) follows(l *Log) bool {
	for _, f := range t.list() {
		if f.log.id.DB == l.id.DB {
			return true
		}
	}
	return false
}

// Stop makes Next give io.EOF.
func (t *Stream) Stop() { t.stopOnce.Do(func() { close(t.stop) }) }

// Close ends all connections. The chunks that were handed out stay readable until their release.
func (t *Stream) Close() error {
	t.Stop()
	t.cancel(errors.New("the stream was closed"))
	t.all.Wait()
	for _, f := range t.list() {
		f.close()
	}
	return nil
}

// Delivered notes how far a log was delivered and saved, so that the server may purge it.
func (t *Stream) Delivered(log *decode.Log, p decode.Position) {
	for _, f := range t.list() {
		if f.log.id == log {
			f.delivered(p)
		}
	}
}

// Group is the replication id of the servers that the logs are of, as far as they were read; empty: they have none.
func (t *Stream) Group() string {
	for _, f := range t.list() {
		f.mu.Lock()
		group := f.group
		f.mu.Unlock()
		if group != "" {
			return group
		}
	}
	return ""
}

// Status is how far one log is read.
type Status struct {
	Log          *decode.Log
	Read, End    decode.Position
	Grew         time.Time
	FileSize     int64 // of a segment
	Held         int64 // bytes that the server cannot purge because of us
	LetGo        bool  // that was more than it may be
	Connected    bool
	Reconnects   int64 // connections after the first
	Trouble      error
	TroubleSince time.Time
}

// Status are the logs, as the server has told last.
func (t *Stream) Status() []Status {
	look := t.server.Seen()
	t.mu.Lock()
	silent, since := t.silent, t.since
	t.mu.Unlock()
	var list []Status
	for _, f := range t.list() {
		s := Status{Log: f.log.id, Read: *f.reached.Load(), FileSize: look.FileSize, Held: f.held(), Grew: time.Unix(0, f.moved.Load())}
		if s.End, _ = look.End(f.log.id.DB); s.End.Before(s.Read) {
			s.End = s.Read
		}
		f.mu.Lock()
		if s.Trouble, s.TroubleSince = f.trouble, f.since; s.Trouble == nil {
			s.Trouble, s.TroubleSince = silent, since // it may send, but nobody knows how far its log goes
		}
		s.Connected, s.Reconnects, s.LetGo = f.session != nil, max(f.attachs-1, 0), f.hold.letGo
		f.mu.Unlock()
		list = append(list, s)
	}
	return list
}

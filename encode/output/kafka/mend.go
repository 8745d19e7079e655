package kafka

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"pikabin/encode/output/kafka/connect"
	"pikabin/encode/output/kafka/positions"
	"pikabin/encode/output/kafka/records"
	"pikabin/encode/sink"
)

// tear is why what is under way has to be sent again. From the first record on that is given up nothing more reaches the brokers.
type tear struct {
	mu      sync.Mutex
	err     error         // the first one
	refused []*kgo.Record // of one partition, in their order, of which the brokers refuse at least one
	noted   chan struct{} // closed with the first error
}

func newTear() *tear { return &tear{noted: make(chan struct{})} }

// note keeps an error, and tells whether it is the first one.
func (b *tear) note(r *kgo.Record, err error) (first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if first = b.err == nil; first {
		b.err = err
		close(b.noted)
	}
	if r == nil || !records.OwnFault(err) {
		return first
	}
	if len(b.refused) == 0 || b.refused[0].Topic == r.Topic && b.refused[0].Partition == r.Partition {
		b.refused = append(b.refused, r)
	}
	return first
}

func (b *tear) torn() bool { return b.error() != nil }

func (b *tear) error() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.err
}

// take gives what was noted, and forgets it.
func (b *tear) take() (refused []*kgo.Record, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	refused, err = b.refused, b.err
	b.refused, b.err = nil, nil
	if err != nil {
		b.noted = make(chan struct{})
	}
	return refused, err
}

// during gives a context that ends at a tear, too.
func (b *tear) during(ctx context.Context) (context.Context, func()) {
	b.mu.Lock()
	noted := b.noted
	b.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-noted:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// mostMends is how often in a row what is under way is sent again.
const mostMends = 5

// tears reports whether an error of a record, or of a transaction, is mended by sending again what is under way.
func (s *producer) tears(r *kgo.Record, err error) bool {
	if s.failed() != nil {
		return false
	}
	if !s.tear.torn() && !records.OwnFault(err) && (s.tx == nil || !connect.EndsTransaction(err)) {
		return false
	}
	if s.tear.note(r, err) {
		s.background.Go(s.lanes.Tear()) // who waits for records waits no longer
		select {
		case s.mends <- struct{}{}:
		default:
		}
	}
	return true
}

// mendEach mends when nothing is written, too.
func (s *producer) mendEach() {
	for {
		select {
		case <-s.closing:
			return
		case <-s.mends:
			s.writing.Lock()
			if err := s.mend(s.life); err != nil {
				s.fail(err)
			}
			s.writing.Unlock()
		}
	}
}

// mend does what another run would do: with new clients it sends again what has not been acknowledged, but for what the brokers
// refuse. The caller holds the lock.
func (s *producer) mend(ctx context.Context) error {
	for s.tear.torn() && s.failed() == nil {
		s.committing.Store(true)
		err := s.mendOnce(ctx)
		s.committing.Store(false)
		if err != nil {
			return err
		}
	}
	return s.failed()
}

func (s *producer) mendOnce(ctx context.Context) error {
	s.lanes.Tear()()
	s.promises.Wait()
	refused, why := s.tear.take()
	if s.mended++; s.mended > mostMends {
		return fmt.Errorf("after %d attempts: %w", mostMends, explain(refused, why))
	}
	s.monitor.Warn(fmt.Sprintf("kafka: sending again what was not acknowledged: %v", why))
	err := s.lanes.Reopen()
	if err == nil && s.tx != nil {
		if err = s.reclaim(ctx, why); connect.IsFenced(err) {
			s.tear.note(nil, err)
			return nil
		}
	}
	if err == nil && records.OwnFault(why) {
		err = s.putAside(ctx, refused, why)
	}
	if err == nil && s.tx != nil && (len(s.underWay) > 0 || len(s.tx.marks) > 0) {
		err = s.begun()
	}
	if err != nil {
		return err
	}
	s.prune()
	for _, d := range s.underWay {
		if !d.over.Load() {
			d.again(context.WithoutCancel(ctx))
		}
	}
	return nil
}

// putAside finds the record that the brokers refuse, and puts it where such records are to go.
func (s *producer) putAside(ctx context.Context, refused []*kgo.Record, why error) error {
	bad, err := s.narrow(ctx, refused)
	switch {
	case err != nil:
		return err
	case bad == nil:
		return nil
	}
	for _, d := range s.underWay {
		if i := d.Index(bad); i >= 0 {
			s.mended = 0
			if err := d.Refuse(i, connect.Explained(why)); err != nil || !d.IsWide() {
				return err
			}
			d.Widen()
			return s.lanes.Reopen()
		}
	}
	return errors.New(records.EventText(bad) + " is of no batch that is under way")
}

// narrow finds the first of some records that the brokers refuse, by halves, nil if they take all of them one by one. Those before it
// are sent meanwhile, in an order that is theirs; they are sent again with the rest. In transactions all that is undone.
func (s *producer) narrow(ctx context.Context, refused []*kgo.Record) (*kgo.Record, error) {
	for len(refused) > 0 {
		half := refused[:(len(refused)+1)/2]
		switch err := s.try(ctx, half); {
		case err == nil:
			refused = refused[len(half):]
		case !records.OwnFault(err):
			return nil, err
		case len(half) == 1:
			return half[0], nil
		default:
			refused = half
		}
		if err := s.failed(); err != nil {
			return nil, err
		}
	}
	return nil, nil //nolint:nilnil // there is none
}

// try sends records to see whether the brokers take them.
func (s *producer) try(ctx context.Context, some []*kgo.Record) error {
	if s.tx != nil {
		if err := s.lanes.First().BeginTransaction(); err != nil {
			return err
		}
	}
	err := s.lanes.SendAll(context.WithoutCancel(ctx), some...)
	switch {
	case err != nil:
		return errors.Join(err, s.lanes.Reopen())
	case s.tx != nil:
		return s.lanes.First().EndTransaction(ctx, kgo.TryAbort)
	}
	return nil
}

// explain names what was sent when the brokers have refused it again and again.
func explain(refused []*kgo.Record, err error) error {
	err = connect.Explained(err)
	if len(refused) == 0 {
		return err
	}
	return fmt.Errorf("%s, or one after it in the same batch: %w", records.EventText(refused[0]), err)
}

// settling is how long a run that is fenced waits for the other one to say that it is there.
const settling = time.Second

// reclaim makes this process the one that writes for the source once more, unless another one has said so since. A transaction that was
// committed though nobody has heard of it is over then; any other starts again.
func (s *producer) reclaim(ctx context.Context, why error) error {
	t := s.tx
	if err := s.yield(ctx, why); err != nil {
		return err
	}
	claim := t.source.Claim(t.who)
	if err := connect.Retry(ctx, func() error { return s.commitRecords(ctx, claim) }); err != nil {
		return fmt.Errorf("beginning to write for source %q again: %w", s.o.Source, err)
	}
	found, err := positions.Read(ctx, s.wire.Options(), t.source, t.claimed, claim.Offset)
	if err != nil {
		return fmt.Errorf("reading the positions of source %q: %w", s.o.Source, err)
	}
	t.claimed = claim.Offset
	if t.ending && t.isIn(found) {
		s.committed()
	}
	if t.open {
		s.monitor.Count(sink.Transactions, "aborted", 1)
	}
	t.open = false
	return nil
}

// yield is an error if another process has claimed to write for the source.
func (s *producer) yield(ctx context.Context, why error) error {
	if connect.IsFenced(why) {
		settled := time.NewTimer(settling)
		defer settled.Stop()
		select {
		case <-settled.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	found, err := positions.ReadAll(ctx, s.wire.Options(), s.tx.source, s.tx.claimed)
	if err != nil {
		return fmt.Errorf("reading who writes for source %q: %w", s.o.Source, err)
	}
	for _, who := range found.Claims {
		if !bytes.Equal(who, s.tx.who) {
			s.monitor.Count(sink.Transactions, "fenced", 1)
			return &takenError{who: who, source: s.o.Source}
		}
	}
	return nil
}

// isIn reports whether the positions of the transaction are among those that were found.
func (t *transactions) isIn(found *positions.Found) bool {
	for log, mark := range t.marks {
		if saved, ok := found.Saved[log.String()]; !ok || saved.Mark != mark {
			return false
		}
	}
	return true
}

// takenError says that another process writes for the source.
type takenError struct {
	who    []byte // what it says of itself
	source string
}

// Error says who.
func (e *takenError) Error() string {
	return fmt.Sprintf("another pikabin writes for this source now: %s has claimed source %q; give one of them another source, or standby to both", e.who, e.source)
}

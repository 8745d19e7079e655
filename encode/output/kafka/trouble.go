package kafka

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	troubleAfter = 5 * time.Second  // without an acknowledgement somebody is told
	troubleAgain = time.Minute      // the longest time until the next line about the same trouble
	hopelessFor  = 30 * time.Second // how long brokers may refuse us before that ends the run: secrets are changed in two places
)

// trouble knows why nothing moves. The client, which tries again by itself, tells it of each error.
type trouble struct {
	mu        sync.Mutex
	last      error
	refused   error     // why a broker has not taken a batch, which is more to the point
	refusedAt time.Time // when that was

	stuck atomic.Bool // nothing has moved for a while

	// Of the watch alone.
	records  int64     // acknowledged
	moved    time.Time // when that has last grown, or nothing waited
	told     time.Time
	interval time.Duration
}

// OnBrokerConnect implements kgo.HookBrokerConnect.
func (t *trouble) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	t.note(err)
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *trouble) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) {
	t.note(e2e.Err())
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle.
func (t *trouble) OnBrokerThrottle(_ kgo.BrokerMetadata, interval time.Duration, _ bool) {
	t.note(fmt.Errorf("a quota of the broker stops us for %v", interval))
}

// Level implements kgo.Logger. Why batches are refused the client says among much else, so it is asked for that only when nothing moves.
func (t *trouble) Level() kgo.LogLevel {
	if t.stuck.Load() {
		return kgo.LogLevelDebug
	}
	return kgo.LogLevelInfo
}

// Log implements kgo.Logger: of what the client says only its errors are of interest.
func (t *trouble) Log(level kgo.LogLevel, message string, keyvals ...any) {
	for i := 1; i < len(keyvals); i += 2 {
		switch value := keyvals[i].(type) {
		case error:
			if keyvals[i-1] == "err" && level <= kgo.LogLevelInfo {
				t.note(value)
			}
		case string:
			if message == "produced" && keyvals[i-1] == "to" {
				t.noteBatches(value)
			}
		}
	}
}

// batchRefused finds why a batch was refused in what the client says of the answer to a request.
var batchRefused = regexp.MustCompile(`retrying@-?\d+,\d+\((.*?)\)}`)

func (t *trouble) noteBatches(answer string) {
	if why := batchRefused.FindStringSubmatch(answer); why != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused, t.refusedAt = errors.New(why[1]), time.Now()
	}
}

func (t *trouble) note(err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = err
}

func (t *trouble) reason() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.refused != nil && time.Since(t.refusedAt) < troubleAfter:
		return t.refused
	case t.last == nil:
		return errors.New("the brokers do not answer")
	}
	return t.last
}

// forget is for when all is well: what was wrong before is not why something sticks later.
func (t *trouble) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.refused = nil, nil
}

// stands is the reason why nothing moves, once somebody has been told.
func (t *trouble) stands() error {
	if t.interval == 0 {
		return nil
	}
	return t.reason()
}

// look compares with the last look: how many records have been acknowledged, and whether any wait. It returns a line for the
// user, or "", and an error when going on makes no sense.
func (t *trouble) look(now time.Time, records int64, waiting bool) (string, error) {
	stuck := now.Sub(t.moved)
	if records != t.records || !waiting {
		t.records, t.moved = records, now
		t.stuck.Store(false)
		t.forget()
		if t.interval == 0 {
			return "", nil
		}
		t.interval = 0
		return fmt.Sprintf("kafka: continues after %v", stuck.Round(time.Second)), nil
	}
	t.stuck.Store(stuck >= troubleAfter/2)
	reason := t.reason()
	if stuck >= hopelessFor && hopeless(reason) {
		return "", fmt.Errorf("nothing was acknowledged for %v: %w", stuck.Round(time.Second), explained(reason))
	}
	if stuck < troubleAfter || t.interval > 0 && now.Sub(t.told) < t.interval {
		return "", nil
	}
	t.told, t.interval = now, min(max(2*t.interval, troubleAfter), troubleAgain)
	return fmt.Sprintf("kafka: nothing was acknowledged for %v, trying on: %v", stuck.Round(time.Second), reason), nil
}

// watch tells the user of trouble, and ends the sink when it is told to end and cannot deliver in time what waits.
func (s *producer) watch(stop <-chan struct{}) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	s.trouble.moved = time.Now()
	var (
		late  <-chan time.Time
		stood error
	)
	hurried := s.hurried
	for {
		select {
		case <-s.closing:
			return
		case now := <-tick.C:
			line, err := s.trouble.look(now, s.acked.Load(), s.lanes.busy() || s.committing.Load())
			if err != nil {
				s.fail(err)
			}
			if line != "" {
				s.warn(line)
			}
			stands := s.trouble.stands()
			if stands != nil || stood != nil { // a file that waits for room tells of that, too
				s.waits(stands)
			}
			stood = stands
		case <-stop:
			stop, late = nil, time.After(s.o.closeTimeout)
		case <-hurried:
			hurried, late = nil, time.After(s.o.closeTimeout)
		case <-late:
			s.fail(fmt.Errorf("what was under way was not acknowledged within %v (close-timeout): %w", s.o.closeTimeout, s.trouble.reason()))
		}
	}
}

// hopeless tells errors that no waiting mends.
func hopeless(err error) bool {
	for _, known := range []error{
		kerr.SaslAuthenticationFailed, kerr.IllegalSaslState, kerr.UnsupportedSaslMechanism,
		kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.TransactionalIDAuthorizationFailed,
		kerr.InvalidTopicException, kerr.InvalidReplicationFactor, kerr.InvalidPartitions, kerr.InvalidConfig, kerr.PolicyViolation,
		kerr.InvalidTransactionTimeout,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return isTLS(err)
}

// isTLS tells errors of certificates, and of sides that do not both speak TLS.
func isTLS(err error) bool {
	_, certificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	op, alert := errors.AsType[*net.OpError](err)
	return certificate || record || alert && op.Op == tlsAlert
}

// tlsAlert is what package tls calls what the other side complains of.
const tlsAlert = "remote error"

// explained adds to errors what may be behind them.
func explained(err error) error {
	for _, known := range []struct {
		err  error
		text string
	}{
		{kerr.SaslAuthenticationFailed, "the brokers refuse the login: they do not know this user with this secret, or do not take this token"},
		{kerr.UnsupportedSaslMechanism, "the brokers do not take the mechanism of the option sasl"},
		{kerr.TopicAuthorizationFailed, "the user needs the rights to describe and write the topic"},
		{kerr.GroupAuthorizationFailed, "the user needs the right to read the group pikabin-SOURCE"},
		{kerr.InvalidTimestamp, "the topic's message.timestamp.before.max.ms and message.timestamp.after.max.ms do not take the event's time"},
		{kerr.InvalidTransactionTimeout, "transaction-timeout is above the transaction.max.timeout.ms of the brokers"},
		{kerr.UnknownTopicOrPartition, "the topic was deleted"},
		{kerr.UnknownTopicID, "the topic was deleted and made anew"},
		{kerr.MessageTooLarge, "the topic's max.message.bytes was lowered"},
		{kerr.OutOfOrderSequenceNumber, "the broker has lost records that it had acknowledged"},
		{kerr.UnknownProducerID, "the broker has lost records that it had acknowledged"},
	} {
		if errors.Is(err, known.err) {
			return fmt.Errorf("%s: %w", known.text, err)
		}
	}
	if isFenced(err) {
		return fmt.Errorf("another pikabin writes for this source now, or the transaction took longer than transaction-timeout: %w", err)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == tlsAlert {
		return fmt.Errorf("the broker refuses the TLS connection, as it does when it wants a certificate of ours (tls-cert, tls-key): %w", err)
	}
	if _, ok := errors.AsType[*kgo.ErrFirstReadEOF](err); ok {
		return fmt.Errorf("the broker hangs up, as it does when one side wants TLS or a login and the other does not: %w", err)
	}
	return err
}

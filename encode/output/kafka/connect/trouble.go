package connect

import (
	"context"
	"errors"
	"fmt"
	"net"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// When the user is told that nothing moves.
const (
	TroubleAfter = 5 * time.Second // without an acknowledgement
	TroubleAgain = time.Minute     // the longest time until the next line about the same trouble
)

const (
	hopelessFor = 30 * time.Second // how long brokers may refuse us before that ends the run: secrets are changed in two places
)

// Trouble knows why nothing moves. The client, which tries again by itself, tells it of each error.
type Trouble struct {
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
func (t *Trouble) OnBrokerConnect(_ kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	t.Note(err)
}

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (t *Trouble) OnBrokerE2E(_ kgo.BrokerMetadata, _ int16, e2e kgo.BrokerE2E) {
	t.Note(e2e.Err())
}

// OnBrokerThrottle implements kgo.HookBrokerThrottle.
func (t *Trouble) OnBrokerThrottle(_ kgo.BrokerMetadata, interval time.Duration, _ bool) {
	t.Note(fmt.Errorf("a quota of the broker stops us for %v", interval))
}

// Level implements kgo.Logger. Why batches are refused the client says among much else, so it is asked for that only when nothing moves.
func (t *Trouble) Level() kgo.LogLevel {
	if t.stuck.Load() {
		return kgo.LogLevelDebug
	}
	return kgo.LogLevelInfo
}

// Log implements kgo.Logger: of what the client says only its errors are of interest.
func (t *Trouble) Log(level kgo.LogLevel, message string, keyvals ...any) {
	for i := 1; i < len(keyvals); i += 2 {
		switch value := keyvals[i].(type) {
		case error:
			if keyvals[i-1] == "err" && level <= kgo.LogLevelInfo {
				t.Note(value)
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

func (t *Trouble) noteBatches(answer string) {
	if why := batchRefused.FindStringSubmatch(answer); why != nil {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.refused, t.refusedAt = errors.New(why[1]), time.Now()
	}
}

// Note takes an error as the reason why nothing moves, unless there is none.
func (t *Trouble) Note(err error) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = err
}

// Set says why nothing moves; nil: it does.
func (t *Trouble) Set(err error) {
	if err == nil {
		t.forget()
	}
	t.Note(err)
}

// Reason is why nothing moves.
func (t *Trouble) Reason() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.refused != nil && time.Since(t.refusedAt) < TroubleAfter:
		return t.refused
	case t.last == nil:
		return errors.New("the brokers do not answer")
	}
	return t.last
}

// forget is for when all is well: what was wrong before is not why something sticks later.
func (t *Trouble) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last, t.refused = nil, nil
}

// Lasting is the reason why nothing moves, once somebody has been told.
func (t *Trouble) Lasting() error {
	if t.interval == 0 {
		return nil
	}
	return t.Reason()
}

// Begin says that nothing sticks yet.
func (t *Trouble) Begin(now time.Time) { t.moved = now }

// Look compares with the last look: how many records have been acknowledged, and whether any wait. It returns a line for the
// user, or "", and an error when trying again makes no sense.
func (t *Trouble) Look(now time.Time, records int64, waiting bool) (string, error) {
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
	t.stuck.Store(stuck >= TroubleAfter/2)
	reason := t.Reason()
	if stuck >= hopelessFor && isHopeless(reason) {
		return "", fmt.Errorf("nothing was acknowledged for %v: %w", stuck.Round(time.Second), Explained(reason))
	}
	if stuck < TroubleAfter || t.interval > 0 && now.Sub(t.told) < t.interval {
		return "", nil
	}
	t.told, t.interval = now, min(max(2*t.interval, TroubleAfter), TroubleAgain)
	return fmt.Sprintf("kafka: nothing was acknowledged for %v, trying on: %v", stuck.Round(time.Second), reason), nil
}

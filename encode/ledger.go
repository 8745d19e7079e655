package encode

import (
	"maps"
	"slices"
	"sync"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// ledger holds an account for each log. The joiner writes it, and whoever saves the positions reads it.
type ledger struct {
	mu       sync.Mutex
	start    map[*decode.Log]checkpoint.Mark
	late     func(*decode.Log) (checkpoint.Mark, bool) // nil: nothing is known of other logs
	accounts map[*decode.Log]*account
	logs     []*decode.Log // in the order in which they came
	timed    bool          // the times of what is delivered are asked for
	unkept   []func()      // acknowledgements of what a Keeper has accepted and not made durable, in the order of the writes
}

// account is how far one log has come. chain and epoch belong to the joiner, read to the goroutine that reads.
type account struct {
	chain   decode.Chain
	epoch   uint32 // of what was joined last
	read    uint32 // the epoch of what was read last
	tracker *checkpoint.Tracker
	times   eventTimes // under the ledger's lock
}

// newLedger begins with the places that are known before anything is read.
func newLedger(o *Options) *ledger {
	return &ledger{start: o.Start, late: o.Late, accounts: map[*decode.Log]*account{}}
}

// account finds that of a log, or opens it at a position when the first thing of the log comes: so that a log of which
// nothing is delivered has a position, too.
func (l *ledger) account(log *decode.Log, at decode.Position) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[log]
	if a == nil {
		mark, ok := l.start[log]
		if !ok && l.late != nil {
			mark, ok = l.late(log)
		}
		if !ok {
			mark.Position = at
		}
		a = &account{tracker: checkpoint.NewTracker(mark), epoch: mark.Epoch, read: mark.Epoch}
		l.accounts[log] = a
		l.logs = append(l.logs, log)
	}
	return a
}

// next is the epoch of what is read next of a log: another one than that of what was read before if the log was rewritten there.
func (l *ledger) next(log *decode.Log, at decode.Position, rewritten bool) uint32 {
	a := l.account(log, at)
	if rewritten {
		a.read++
	}
	return a.read
}

// track gives the acknowledgement of a batch.
func (l *ledger) track(b *parcel) func() {
	a := l.account(b.Log, b.Begin)
	if l.timed {
		l.mu.Lock()
		a.times.track(b, a.tracker.Committed())
		l.mu.Unlock()
	}
	return a.tracker.Track(b.Mark())
}

// hold gives the acknowledgement of something that has no position of its own.
func (l *ledger) hold(log *decode.Log) func() {
	return l.account(log, decode.Position{}).tracker.Hold()
}

// keep holds an acknowledgement back until the Keeper says that the write is durable. It comes before the write, which may be
// made durable before it returns.
func (l *ledger) keep(ack func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unkept = append(l.unkept, ack)
}

// kept acknowledges the oldest n writes that were held back.
func (l *ledger) kept(n int) {
	l.mu.Lock()
	acks := slices.Clone(l.unkept[:n])
	l.unkept = slices.Delete(l.unkept, 0, n)
	l.mu.Unlock()
	for _, ack := range acks {
		ack()
	}
}

// marks are the places after which nothing is missing, those included of logs of which nothing has come.
func (l *ledger) marks() map[*decode.Log]checkpoint.Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	marks := map[*decode.Log]checkpoint.Mark{}
	maps.Copy(marks, l.start)
	for log, a := range l.accounts {
		marks[log] = a.tracker.Committed()
	}
	return marks
}

// close ends all chains: lost is called for what is left of the last segment of each.
func (l *ledger) close(lost func(decode.Lost) error) error {
	for _, log := range l.logs {
		if err := l.accounts[log].chain.Close(lost); err != nil {
			return err
		}
	}
	return nil
}

// unchain forgets how far the segments have been read. The goroutine that reads may open accounts meanwhile.
func (l *ledger) unchain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.accounts {
		a.chain = decode.Chain{}
	}
}

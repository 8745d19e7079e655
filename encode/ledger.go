package encode

import (
	"sync"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// ledger holds an account for each log. The joiner writes it, and whoever saves the positions reads it.
type ledger struct {
	mu       sync.Mutex
	starts   func() map[*decode.Log]checkpoint.Mark // those of the source
	accounts map[*decode.Log]*account
	logs     []*decode.Log // in the order in which they came
	timed    bool          // the times of what is delivered are asked for
}

// account is how far one log has come. chain, rest and epoch belong to the joiner, read to the goroutine that reads.
type account struct {
	chain   decode.Chain
	rest    decode.Fence // of the end of the last span, if something in it is no record
	epoch   uint32       // of what was joined last
	read    uint32       // the epoch of what was read last
	tracker *checkpoint.Tracker
	times   eventTimes // under the ledger's lock
}

func newLedger(src Source) *ledger {
	return &ledger{starts: src.Starts, accounts: map[*decode.Log]*account{}}
}

// account finds that of a log, or opens it at a position when the first thing of the log comes: so that a log of which
// nothing is delivered has a position, too.
func (l *ledger) account(log *decode.Log, at decode.Position) *account {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.accounts[log]
	if a == nil {
		mark, ok := l.starts()[log]
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

// marks are the places up to which nothing is missing, those included of logs of which nothing has come.
func (l *ledger) marks() map[*decode.Log]checkpoint.Mark {
	l.mu.Lock()
	defer l.mu.Unlock()
	marks := l.starts()
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

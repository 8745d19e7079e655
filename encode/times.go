package encode

import (
	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/stats"
)

// eventTimes are the times of the changes in batches that are not delivered, in log order, and of the last one that is.
type eventTimes struct {
	due       []dueTime
	delivered int64
}

type dueTime struct {
	end  checkpoint.Mark
	time int64
}

// track adds a batch, if it has a time.
func (e *eventTimes) track(b *parcel, committed checkpoint.Mark) {
	e.at(committed)
	if b.time != 0 {
		e.due = append(e.due, dueTime{b.Mark(), b.time})
	}
}

// at is the time of what has been delivered, which ends at a place.
func (e *eventTimes) at(committed checkpoint.Mark) int64 {
	n := 0
	for n < len(e.due) && !after(e.due[n].end, committed) {
		e.delivered = e.due[n].time
		n++
	}
	e.due = e.due[:copy(e.due, e.due[n:])]
	return e.delivered
}

// after reports whether a comes after b in the life of a log.
func after(a, b checkpoint.Mark) bool {
	return a.Epoch > b.Epoch || a.Epoch == b.Epoch && b.Position.Before(a.Position)
}

// delivered is what marks gives, with the times.
func (l *ledger) delivered() map[*decode.Log]stats.Delivered {
	logs := map[*decode.Log]stats.Delivered{}
	l.mu.Lock()
	defer l.mu.Unlock()
	for log, mark := range l.starts() {
		logs[log] = stats.Delivered{Mark: mark}
	}
	for log, a := range l.accounts {
		mark := a.tracker.Committed()
		logs[log] = stats.Delivered{Mark: mark, Time: a.times.at(mark)}
	}
	return logs
}

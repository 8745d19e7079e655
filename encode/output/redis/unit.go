package redis

import (
	"bytes"
	"iter"
	"slices"
	"strconv"
	"sync"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sink"
)

// unit is a batch on its way, or a position alone.
type unit struct {
	batch *sink.Batch // nil: there are positions alone
	done  func(error)
	log   *decode.Log
	marks map[string]checkpoint.Mark // after it, by the names of logs
	db    int                        // of the server

	text     []byte // the commands
	messages []sink.Message
	due      []byte // what puts deadlines of its keys into effect
	held     bool   // its deadlines are held

	scattered *scattered // for a cluster, once it was begun

	// sending is held while it is written to a plain server, whose last reply may come before the write has returned: until then its bytes are in use.
	sending sync.Mutex

	next    int    // the first message that is not answered
	selects bool   // its DB is selected before it
	seq     uint64 // of the transaction that was told to end with it; 0: none was
}

func newUnit(b *sink.Batch, db int, done func(error)) *unit {
	return &unit{
		batch: b, done: done, log: b.Log, marks: map[string]checkpoint.Mark{b.Log.String(): b.Mark()}, db: db,
		text: b.Data, messages: b.Messages,
	}
}

// end acknowledges it, or says why not.
func (u *unit) end(err error) {
	if u.batch != nil {
		u.batch.Release()
	}
	u.done(err)
}

// of is the commands of a message.
func (u *unit) of(i int) []byte { return u.text[u.messages[i].Begin:u.messages[i].End] }

// pieces are the commands from a message on, as they lie together: at most so many messages at a time, and how many those are.
func (u *unit) pieces(from, most int) iter.Seq2[int, []byte] {
	return func(yield func(int, []byte) bool) {
		for i := from; i < len(u.messages); {
			n := 1
			for i+n < len(u.messages) && n < most && u.messages[i+n].Begin == u.messages[i+n-1].End {
				n++
			}
			if !yield(n, u.text[u.messages[i].Begin:u.messages[i+n-1].End]) {
				return
			}
			i += n
		}
	}
}

// leaveOut forgets a message.
func (u *unit) leaveOut(i int) {
	u.messages = slices.Delete(slices.Clone(u.messages), i, i+1)
}

// isWide reports whether something in it changes keys that it does not name, ours among them.
func (u *unit) isWide() bool {
	return slices.ContainsFunc(u.messages, func(m sink.Message) bool { return !m.HasKey })
}

// flushAll is a flush of all that a server has.
var flushAll = words.Append(nil, "flushall")

// flushOwn lets a flush of everything be one of the DBs alone that the log's go to. There may be other DBs on the server.
func (u *unit) flushOwn(dbs []int) {
	isFlush := func(m sink.Message) bool { return bytes.EqualFold(u.text[m.Begin:m.End], flushAll) }
	if !slices.ContainsFunc(u.messages, isFlush) {
		return
	}
	was := u.text
	u.text, u.messages = nil, slices.Clone(u.messages)
	for i := range u.messages {
		m := &u.messages[i]
		begin := len(u.text)
		if text := was[m.Begin:m.End]; bytes.EqualFold(text, flushAll) {
			for _, db := range dbs {
				u.text = words.Append(u.text, "SELECT", strconv.Itoa(db))
				u.text = words.Append(u.text, "FLUSHDB")
			}
			u.text = words.Append(u.text, "SELECT", strconv.Itoa(u.db))
		} else {
			u.text = append(u.text, text...)
		}
		m.Begin, m.End = begin, len(u.text)
	}
}

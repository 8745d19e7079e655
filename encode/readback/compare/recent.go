package compare

import (
	"hash/maphash"
	"sort"

	"pikabin/encode/readback"
)

// mostRecent is how many events of a log are remembered. An output that may repeat events repeats those of a second or so.
const mostRecent = 1 << 20

// recent are the last events of a log, in its order: a ring.
type recent struct {
	seed    maphash.Seed
	events  []passed
	oldest  int // once the ring is full
	forgets bool
}

// passed is an event of the log that was looked for in the output.
type passed struct {
	key     readback.Key
	hash    uint64 // of the message
	missing bool
}

func newRecent() *recent { return &recent{seed: maphash.MakeSeed()} }

func (r *recent) reset() { r.events, r.oldest, r.forgets = r.events[:0], 0, false }

// add takes the next event of the log.
func (r *recent) add(k readback.Key, message []byte, missing bool) {
	p := passed{key: k, hash: maphash.Bytes(r.seed, message), missing: missing}
	if len(r.events) < mostRecent {
		r.events = append(r.events, p)
		return
	}
	r.forgets = true
	r.events[r.oldest] = p
	r.oldest = (r.oldest + 1) % mostRecent
}

// at is the event number i, from the oldest.
func (r *recent) at(i int) *passed { return &r.events[(r.oldest+i)%len(r.events)] }

// find gives the event of a key; nil if there is none.
func (r *recent) find(k readback.Key) *passed {
	i := sort.Search(len(r.events), func(i int) bool { return r.at(i).key.Compare(k) >= 0 })
	if i < len(r.events) && r.at(i).key == k {
		return r.at(i)
	}
	return nil
}

// knows says whether an event of this key would be remembered.
func (r *recent) knows(k readback.Key) bool {
	return !r.forgets || r.at(0).key.Compare(k) <= 0
}

func (r *recent) is(p *passed, message []byte) bool { return p.hash == maphash.Bytes(r.seed, message) }

package traffic

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
)

// randomChange is one of some thousand keys, or sometimes of none.
func randomChange(r *rand.Rand, log *decode.Log, i int) *decode.Change {
	c := &decode.Change{
		Log: log, Segment: uint32(i / 1000), Offset: int64(i % 1000 * 100), End: int64(i%1000*100 + 30 + r.IntN(70)), Cmd: []string{"set", "hset", "expire"}[r.IntN(3)],
		Op: decode.Op(r.IntN(int(decode.OpGap))), Type: decode.Type(r.IntN(4)), Time: int64(r.IntN(5000)), Has: decode.HasTime,
		Key: fmt.Appendf(nil, "p%d:k%d", r.IntN(5), r.IntN(800)), Value: make([]byte, r.IntN(1000)),
	}
	if r.IntN(20) == 0 {
		c.Key = nil
	}
	if r.IntN(3) == 0 {
		c.Has |= decode.HasExpireAt
		c.ExpireAt = int64(r.IntN(10_000_000))
	}
	return c
}

// TestLanesAreOne reckons random events in one piece and in several, which are put together: as long as there are not too many keys, both are the same.
func TestLanesAreOne(t *testing.T) {
	logs := []*decode.Log{{DB: "db0", Slot: -1}, {DB: "db1", Slot: -1}}
	rules := &rules{step: 60, delimiter: []byte(":"), top: 20}
	whole, parts := newTotals(rules), []*totals{newTotals(rules), newTotals(rules), newTotals(rules)}
	r := rand.New(rand.NewPCG(1, 2))
	for log := range logs {
		for batch := range 40 {
			var list []byte
			for i := range r.IntN(200) {
				list = Encoder{}.AppendChange(list, randomChange(r, logs[log], 200*batch+i))
			}
			whole.take(uint32(log), list)
			parts[batch%3].take(uint32(log), list)
		}
	}
	one, together := newTotals(rules), newTotals(rules)
	one.merge(whole)
	for _, part := range parts {
		together.merge(part)
	}
	names := []string{"db0", "db1"}
	if diff := cmp.Diff(text(t, one.summary(names)), text(t, together.summary(names))); diff != "" {
		t.Errorf("-one +together:\n%s", diff)
	}
}

func text(t *testing.T, s *Summary) string {
	t.Helper()
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestNoAllocationsPerEvent makes digests and reckons them: what there is memory for once is used again.
func TestNoAllocationsPerEvent(t *testing.T) {
	log, r := &decode.Log{DB: "db0", Slot: -1}, rand.New(rand.NewPCG(3, 4))
	changes := make([]*decode.Change, 2000)
	for i := range changes {
		changes[i] = randomChange(r, log, i)
		changes[i].Op = decode.OpSet
	}
	totals := newTotals(&rules{step: 1, delimiter: []byte(":"), top: 10})
	var list []byte
	reckon := func() {
		list = list[:0]
		for _, c := range changes {
			list = Encoder{}.AppendChange(list, c)
		}
		totals.take(0, list)
	}
	reckon()
	if n := testing.AllocsPerRun(5, reckon); n > 2 {
		t.Errorf("%v allocations for %d events", n, len(changes))
	}
}

// TestMemoryIsBounded reckons events that have all a key, a command and a second of their own: nothing grows without bound, and no event is lost.
func TestMemoryIsBounded(t *testing.T) {
	const events = 50_000
	log := &decode.Log{DB: "db0", Slot: -1}
	totals := newTotals(&rules{step: 1, delimiter: []byte(":"), top: 10})
	var list []byte
	for i := range events {
		name := fmt.Sprintf("made-up-%d", i)
		c := &decode.Change{Log: log, Offset: int64(i), End: int64(i + 1), Cmd: name, Op: decode.OpFlush, Time: int64(i) * 7, Has: decode.HasTime, Key: []byte(name + ":k")}
		list = Encoder{}.AppendChange(list[:0], c)
		totals.take(0, list)
	}
	if n := len(totals.time.counts); n > maxSteps {
		t.Errorf("%d steps", n)
	}
	if n := len(totals.commands.byName); n > maxNames+1 {
		t.Errorf("%d names of commands", n)
	}
	if n := totals.keys.Len(); n > 2*keysKept || totals.keys.Under() > events/keysKept {
		t.Errorf("%d keys, %d too low", n, totals.keys.Under())
	}
	if n := len(totals.flushes.list); n > 2*flushesKept || totals.flushes.count != events {
		t.Errorf("%d flushes of %d", n, totals.flushes.count)
	}
	s := totals.summary([]string{"db0"})
	inTime, inNames := int64(0), int64(0)
	for _, step := range s.Timeline {
		inTime += step.Events
	}
	for _, n := range s.Commands {
		inNames += n.Events
	}
	if inTime != events || inNames != events || s.Events != events {
		t.Errorf("%d events in the timeline, %d by name, %d in all, want %d", inTime, inNames, s.Events, events)
	}
}

// TestSharesAreTheRecord adds up what the events of a record have of its bytes.
func TestSharesAreTheRecord(t *testing.T) {
	for parts := range uint32(40) {
		for size := range int64(50) {
			sum := int64(0)
			for part := range max(parts, 1) {
				sum += share(&decode.Change{Offset: 7, End: 7 + size, Part: part, Parts: parts})
			}
			if sum != size {
				t.Fatalf("%d events of %d bytes have %d", parts, size, sum)
			}
		}
	}
}

// TestLongKeysAndNames are cut, and told apart.
func TestLongKeysAndNames(t *testing.T) {
	totals := newTotals(&rules{step: 1, delimiter: []byte(":"), top: 10})
	var list []byte
	for i := range 3 {
		key := binary.LittleEndian.AppendUint32(make([]byte, 70_000), uint32(i))
		list = Encoder{}.AppendChange(list, &decode.Change{Key: key, Cmd: string(key), End: 10})
	}
	totals.take(0, list)
	s := totals.summary([]string{"db0"})
	if len(s.Keys.Top) != 3 || len(s.Commands) != 1 || s.Events != 3 {
		t.Errorf("%d keys, commands %v, %d events", len(s.Keys.Top), s.Commands, s.Events)
	}
}

//go:build unix

package torture

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim/process"
)

// consumed is a record as a consumer sees it, in the form of kcat -J.
type consumed struct {
	Partition    int32
	Headers      []string // names and values in turn
	Key, Payload *string
}

func (c *consumed) header(name string) string {
	for i := 0; i+1 < len(c.Headers); i += 2 {
		if c.Headers[i] == name {
			return c.Headers[i+1]
		}
	}
	return ""
}

// kafkaAccount compares what comes from the topics with the history.
type kafkaAccount struct {
	history    history
	partitions int
	once       bool // nothing may be repeated
	lanes      map[lane]*laneAccount
	keys       map[string]int32 // topic and key, and where all of it has to be

	consumed, committed, barriers, missing, repeated, disordered int
	wrong                                                        []string // the first of what must not be
}

// lane is what has an order: the events of a DB in a partition.
type lane struct {
	topic, db string
	partition int32
}

// laneAccount is what has come, by the number of the record in the history of the DB.
type laneAccount struct {
	last int
	seen []bool
}

func newKafkaAccount(h history, partitions int, once bool) *kafkaAccount {
	return &kafkaAccount{history: h, partitions: partitions, once: once, lanes: map[lane]*laneAccount{}, keys: map[string]int32{}}
}

func (a *kafkaAccount) lane(id lane) *laneAccount {
	in := a.lanes[id]
	if in == nil {
		in = &laneAccount{last: -1, seen: make([]bool, len(a.history[id.db]))}
		a.lanes[id] = in
	}
	return in
}

// find looks for the record at a place such as db0/12:4096.
func (a *kafkaAccount) find(place string) (db string, number int, ok bool) {
	db, text, _ := strings.Cut(place, "/")
	at, err := decode.ParsePosition(text)
	if err != nil {
		return db, 0, false
	}
	number, ok = slices.BinarySearchFunc(a.history[db], at, func(l process.Line, at decode.Position) int {
		return cmp.Or(cmp.Compare(l.Segment, at.Segment), cmp.Compare(l.Offset, at.Offset))
	})
	return db, number, ok
}

// complain notes what is wrong, the first of it in words.
func (a *kafkaAccount) complain(format string, args ...any) {
	if len(a.wrong) < 20 {
		a.wrong = append(a.wrong, fmt.Sprintf(format, args...))
	}
}

// take takes the next record of a partition.
func (a *kafkaAccount) take(topic string, c *consumed) {
	a.consumed++
	at := c.header("pikabin-position")
	db, number, ok := a.find(at)
	if !ok {
		a.complain("partition %d of %s: at %q nothing was committed", c.Partition, topic, at)
		return
	}
	if err := a.checkRecord(topic, &a.history[db][number], c); err != nil {
		a.complain("partition %d of %s, %s: %v", c.Partition, topic, at, err)
	}
	in := a.lane(lane{topic, db, c.Partition})
	switch {
	case in.seen[number]:
		a.repeated++
		if a.once {
			a.complain("partition %d of %s: %s comes twice", c.Partition, topic, at)
		}
		return
	case number < in.last:
		a.disordered++
		a.complain("partition %d of %s: %s comes for the first time after what follows it", c.Partition, topic, at)
	}
	in.seen[number], in.last = true, number
}

// checkRecord compares a record with the line of the journal.
func (a *kafkaAccount) checkRecord(topic string, l *process.Line, c *consumed) error {
	if c.Payload == nil {
		return errors.New("a record without a value")
	}
	var e event
	if err := json.Unmarshal([]byte(*c.Payload), &e); err != nil {
		return err
	}
	barrier := c.header("pikabin-barrier")
	if l.Key == process.AllKeys {
		if want := fmt.Sprintf("%d/%d", c.Partition, a.partitions); barrier != want || c.Key != nil || e.Op != "flush" || e.End != l.End {
			return fmt.Errorf("want a flush with barrier %s, got barrier %q: %s", want, barrier, *c.Payload)
		}
		return nil
	}
	got := process.Line{
		DB: e.DB, Segment: e.Segment, Offset: e.Offset, End: e.End, Seq: l.Seq, Key: e.Key, Sum: crc32.ChecksumIEEE([]byte(e.Value)),
	}
	if got != *l || e.Op != "set" || barrier != "" || c.Key == nil || *c.Key != l.Key {
		return fmt.Errorf("the record is %s, the event is %s: %.200s", l.Append(nil), got.Append(nil), *c.Payload)
	}
	key := topic + "/" + l.Key
	if home, ok := a.keys[key]; ok && home != c.Partition {
		return fmt.Errorf("key %s was in partition %d before", l.Key, home)
	}
	a.keys[key] = c.Partition
	return nil
}

// finish looks for what is missing: a record in any partition, and a FLUSHDB in each one.
func (a *kafkaAccount) finish() {
	for db, lines := range a.history {
		for i := range lines {
			a.finishRecord(db, i, &lines[i])
		}
	}
}

func (a *kafkaAccount) finishRecord(db string, number int, l *process.Line) {
	want, n := 1, 0
	if l.Key == process.AllKeys {
		want = a.partitions
		a.barriers++
	}
	a.committed++
	for id, in := range a.lanes {
		if id.db == db && in.seen[number] {
			n++
		}
	}
	if n != want {
		a.missing += max(want-n, 0)
		a.complain("%s is in %d partitions, want %d", l.Append(nil), n, want)
	}
}

func (a *kafkaAccount) String() string {
	again := "repeated"
	if a.once {
		again = "twice"
	}
	return fmt.Sprintf("%d records committed, %d of them barriers in %d partitions; %d records consumed, %d missing, %d %s, %d out of order",
		a.committed, a.barriers, a.partitions, a.consumed, a.missing, a.repeated, again, a.disordered)
}

// TestKafkaAccount shows that no mistake passes: what is wrong is told, and what only repeats is where that is allowed.
func TestKafkaAccount(t *testing.T) {
	var h history = map[string][]process.Line{}
	var stream []consumed
	for i := range 6 {
		l := process.Line{DB: "db0", Offset: int64(100 * i), End: int64(100*i + 100), Key: fmt.Sprint("key", i%2), Sum: crc32.ChecksumIEEE(nil)}
		partition, copies, op := int32(i%2), 1, "set"
		if i == 3 {
			l.Key, copies, op = process.AllKeys, 2, "flush"
		}
		h["db0"] = append(h["db0"], l)
		for n := range copies {
			c := consumed{Partition: partition, Headers: []string{"pikabin-position", fmt.Sprintf("db0/0:%d", l.Offset)}, Key: &l.Key}
			value := fmt.Sprintf(`{"db":"db0","offset":%d,"end":%d,"op":%q,"key":%q}`, l.Offset, l.End, op, l.Key)
			if c.Payload = &value; copies > 1 {
				c.Partition, c.Key = int32(n), nil
				c.Headers = append(c.Headers, "pikabin-barrier", fmt.Sprintf("%d/%d", n, copies))
			}
			stream = append(stream, c)
		}
	}
	repeat := func(s []consumed) []consumed { return append(slices.Clone(s[:3]), s...) }
	for name, tt := range map[string]struct {
		change func(s []consumed) []consumed
		again  bool   // without exactly-once
		want   string // "" for nothing wrong
	}{
		"all of it":                {change: func(s []consumed) []consumed { return s }},
		"one is missing":           {change: func(s []consumed) []consumed { return slices.Delete(s, 1, 2) }, want: "is in 0 partitions, want 1"},
		"half a barrier":           {change: func(s []consumed) []consumed { return slices.Delete(s, 3, 4) }, want: "is in 1 partitions, want 2"},
		"some come twice":          {change: repeat, want: "comes twice"},
		"some are repeated":        {change: repeat, again: true},
		"out of order":             {change: func(s []consumed) []consumed { s[0], s[2] = s[2], s[0]; return s }, want: "comes for the first time after"},
		"a key in two partitions":  {change: func(s []consumed) []consumed { s[0].Partition = 1; return s }, want: "was in partition 1 before"},
		"a barrier's wrong number": {change: func(s []consumed) []consumed { s[3].Partition, s[4].Partition = 1, 0; return s }, want: "want a flush with barrier"},
		"another's value":          {change: func(s []consumed) []consumed { s[0].Payload = s[1].Payload; return s }, want: "the event is"},
		"a place of its own":       {change: func(s []consumed) []consumed { s[0].Headers = []string{"pikabin-position", "db0/7:0"}; return s }, want: "nothing was committed"},
		"no value":                 {change: func(s []consumed) []consumed { s[0].Payload = nil; return s }, want: "without a value"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newKafkaAccount(h, 2, !tt.again)
			for _, c := range tt.change(slices.Clone(stream)) {
				a.take("topic", &c)
			}
			a.finish()
			if got := strings.Join(a.wrong, "; "); !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("it says %q, want %q; %v", got, tt.want, a)
			}
		})
	}
}

package records

import (
	"testing"

	"pikabin/decode"
	"pikabin/encode/output/kafka/settings"
	"pikabin/encode/output/kafka/topics"
	"pikabin/encode/sink"
)

// TestAllocates makes the records of a batch again and again: once its buffers are there, that costs no allocation.
func TestAllocates(t *testing.T) {
	b := &sink.Batch{Data: []byte("\x00\x00\x00\x00\x00value"), Keys: []byte("key")}
	for i := range 1000 {
		b.Messages = append(b.Messages, sink.Message{
			End: len(b.Data), KeyEnd: len(b.Keys), HasKey: true, HasTime: true, Time: int64(i), Op: decode.OpDelete,
			At: decode.Position{Segment: 12, Offset: int64(100 * i)}, Part: uint32(i % 2), Parts: uint32(i % 3),
		})
	}
	one := topics.New("t", 12)
	one.Lead = []byte{0, 0, 0, 0, 7}
	k := &Maker{o: &settings.Options{Tombstones: true}, topics: &topics.Topics{}, ops: opTexts()}
	d, routes := k.Batch(), &topics.Routes{Name: "db0/", ByType: []*topics.Topic{one}, All: []*topics.Topic{one}}
	build := func() (int, error) {
		err := d.Make(t.Context(), b, routes)
		return len(d.Records), err
	}
	if n, err := build(); n != 2*len(b.Messages) || err != nil {
		t.Fatalf("%d records, %v; want an event and a tombstone for each of %d messages", n, err, len(b.Messages))
	}
	if n := testing.AllocsPerRun(10, func() { build() }); n > 0 { //nolint:errcheck // looked at above
		t.Errorf("%v allocations for %d messages", n, len(b.Messages))
	}
}

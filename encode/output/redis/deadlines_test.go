package redis

import (
	"slices"
	"testing"
	"time"

	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sink"
)

// TestPresent holds deadlines until the log is of the present, and again when it falls back.
func TestPresent(t *testing.T) {
	now := time.Unix(2_000_000_000, 0)
	d := newDeadlines(&settings.Options{}, &sink.Env{Live: true, Held: 1 << 52, DBs: []string{"db0", "db3"}})
	of := func(age time.Duration) *unit {
		b := &sink.Batch{Keys: []byte("kk")}
		for range 2 {
			b.Messages = append(b.Messages, sink.Message{HasKey: true, KeyEnd: 1, HasTime: true, Time: now.Add(-age).Unix()})
		}
		return &unit{batch: b, messages: b.Messages}
	}
	take := func(age time.Duration) *unit {
		u := of(age)
		d.take(u, now)
		return u
	}
	old := take(time.Hour)
	if !old.held || d.due(now) {
		t.Error("an old event: deadlines are not held")
	}
	fresh := take(time.Second)
	if fresh.held || len(fresh.due) == 0 || d.due(now) {
		t.Error("a fresh event: its deadlines are held, or the walk begins too early")
	}
	d.delivered(old)
	d.delivered(fresh)
	if !d.due(now) || d.due(now) {
		t.Error("there is not one walk")
	}
	if u := take(30 * time.Second); u.held {
		t.Error("deadlines are held at the first delay")
	}
	late := take(2 * time.Minute)
	d.delivered(late)
	if !late.held || d.due(now) || !d.due(now.Add(quiet+1)) {
		t.Error("a late event: no walk when nothing more comes")
	}
}

// TestPresentOfCluster has a script for the keys of each slot.
func TestPresentOfCluster(t *testing.T) {
	now := time.Unix(2_000_000_000, 0)
	d := newDeadlines(&settings.Options{}, &sink.Env{Live: true, Held: 1 << 52})
	d.cluster = true
	b := &sink.Batch{Keys: []byte("a{a}b")}
	for _, key := range [][2]int{{0, 1}, {1, 4}, {4, 5}, {0, 1}} {
		b.Messages = append(b.Messages, sink.Message{HasKey: true, KeyBegin: key[0], KeyEnd: key[1], HasTime: true, Time: now.Unix()})
	}
	u := &unit{batch: b, messages: b.Messages}
	d.take(u, now)
	want := []string{"a script for a {a} 4503599627370496", "a script for b 4503599627370496"}
	var got []string
	for i := range words.Count(u.due) {
		if slot, _ := cluster.Place(words.From(u.due, i)[:len(words.From(u.due, i))-len(words.From(u.due, i+1))]); slot < 0 {
			t.Errorf("script %d is for slot %d", i, slot)
		}
		got = append(got, words.Describe(words.Args(u.due, i)))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestPieces are as large as a limit allows.
func TestPieces(t *testing.T) {
	u := &unit{text: []byte("aabbccdd")}
	for i := range 4 {
		u.messages = append(u.messages, sink.Message{Begin: 2 * i, End: 2*i + 2})
	}
	u.leaveOut(1)
	var got []byte
	for n, piece := range u.pieces(0, 2) {
		got = append(append(got, piece...), ' ')
		if n > 2 {
			t.Errorf("a piece of %d", n)
		}
	}
	if string(got) != "aa ccdd " {
		t.Errorf("got %s", got)
	}
}

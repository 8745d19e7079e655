package topics_test

import (
	"testing"

	"pikabin/encode/output/kafka/topics"
)

// TestFrame puts ids before one value that goes to several topics.
func TestFrame(t *testing.T) {
	value := []byte("\x00\x00\x00\x00\x00event")
	var framed []string
	var sent [][]byte
	for _, id := range []byte{7, 7, 9, 7} {
		topic := topics.New("t", 1)
		topic.Lead = []byte{0, 0, 0, 0, id}
		sent = append(sent, topic.Frame(value))
	}
	for _, v := range append(sent, topics.New("t", 1).Frame([]byte("plain"))) {
		framed = append(framed, string(v))
	}
	want := []string{"\x00\x00\x00\x00\x07event", "\x00\x00\x00\x00\x07event", "\x00\x00\x00\x00\x09event", "\x00\x00\x00\x00\x07event", "plain"}
	for i := range want {
		if framed[i] != want[i] {
			t.Errorf("number %d is %q, want %q", i, framed[i], want[i])
		}
	}
	if topics.New("t", 1).Frame(nil) != nil {
		t.Error("a tombstone has got a value")
	}
}

package redis_test

import (
	"testing"
	"time"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/settings"
)

// TestSucceed: a run ends the connections that an earlier run of the same state has left on the server, and no others.
func TestSucceed(t *testing.T) {
	f := newFake(t)
	dialer, err := link.NewDialer(&settings.Options{Addresses: []string{f.address}, AnswerTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ids := map[int64]bool{}
	for _, c := range []struct {
		name string
		dead bool
	}{{"pikabin-1", true}, {"pikabin-2", false}, {"pikabin-1", false}} {
		conn, err := dialer.Dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		if err := conn.Succeed(c.name); err != nil {
			t.Fatal(err)
		}
		ids[conn.ID()] = c.dead
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, want := range ids {
		if got := f.dead[f.peers[id-1]]; got != want {
			t.Errorf("connection %d: ended %t, want %t", id, got, want)
		}
	}
}

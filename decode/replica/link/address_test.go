package link_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"pikabin/decode/replica/link"
)

func TestAddress(t *testing.T) {
	a, err := link.ParseAddress("pika://b,a:9222,[::1]:7/db0,db2?attach=replica&as=10.0.0.9:77&hold=off&hold-limit=1GiB&patience=1m&repl-port=99&user=u&password-file=/f&start-timeout=5s")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Hosts, []string{"b:9221", "a:9222", "[::1]:7"}) || !slices.Equal(a.DBs, []string{"db0", "db2"}) {
		t.Errorf("%+v", a)
	}
	if !slices.Equal(a.Sources(), []string{"pika://[::1]:7", "pika://a:9222", "pika://b:9221"}) {
		t.Errorf("%v", a.Sources())
	}
	if !a.Visible || a.As != "10.0.0.9:77" || !a.NoHold || a.HoldLimit != 1<<30 || a.Patience != time.Minute || a.ReplicationPort != 99 ||
		a.User != "u" || a.PasswordFile != "/f" || a.StartTimeout != 5*time.Second {
		t.Errorf("%+v", a)
	}
}

// TestWrongAddress refuses mistakes, and says what was expected. None shows a password.
func TestWrongAddress(t *testing.T) {
	for text, want := range map[string]string{
		"/data/pika/log": "pika://host:9221", "pika://": "host:9221", "pika://host:0": "host:9221", "pika://host:99999": "host:9221",
		"pika://:secret@host": "PIKABIN_PIKA_PASSWORD", "pika://h?attach=loud": "quiet or replica", "pika://h?hold=maybe": "on or off",
		"pika://h?nothing=1": "there are repl-port", "pika://h?as=1.2.3.4:5": "attach=replica", "pika://h?hold-limit=lots": "size",
	} {
		_, err := link.ParseAddress(text)
		var refused *link.RefusedError
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

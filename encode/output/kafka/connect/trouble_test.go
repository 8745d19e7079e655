package connect

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
)

// TestTrouble looks once a second while nothing moves, and reads what the user is told.
func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		last    error
		want    []string // "second: line"
		wantEnd string
	}{
		"brokers that are gone are waited for": {
			last: errors.New("connection refused"),
			want: []string{
				"5: kafka: nothing was acknowledged for 5s, trying on: connection refused",
				"10: kafka: nothing was acknowledged for 10s, trying on: connection refused",
				"20: kafka: nothing was acknowledged for 20s, trying on: connection refused",
				"40: kafka: nothing was acknowledged for 40s, trying on: connection refused",
				"80: kafka: nothing was acknowledged for 1m20s, trying on: connection refused",
				"140: kafka: nothing was acknowledged for 2m20s, trying on: connection refused",
				"200: kafka: continues after 3m20s",
			},
		},
		"brokers that say nothing": {want: []string{"5: kafka: nothing was acknowledged for 5s, trying on: the brokers do not answer"}},
		"a secret that they refuse": {
			last:    fmt.Errorf("opening: %w", kerr.SaslAuthenticationFailed),
			want:    []string{"5: kafka: nothing was acknowledged for 5s, trying on: opening: " + kerr.SaslAuthenticationFailed.Error()},
			wantEnd: "30: nothing was acknowledged for 30s: the brokers refuse the login: they do not know this user",
		},
	} {
		t.Run(name, func(t *testing.T) { checkTrouble(t, c.last, c.want, c.wantEnd) })
	}
}

// TestSetTrouble is over when nil says so.
func TestSetTrouble(t *testing.T) {
	trouble := &Trouble{}
	before := trouble.Reason().Error()
	trouble.Set(errors.New("the registry is away"))
	during := trouble.Reason().Error()
	trouble.Set(nil)
	if after := trouble.Reason().Error(); during != "the registry is away" || after != before {
		t.Errorf("%q, then %q", during, after)
	}
}

func checkTrouble(t *testing.T, last error, want []string, wantEnd string) {
	t.Helper()
	start := time.Unix(0, 0)
	trouble := &Trouble{moved: start, records: 7}
	trouble.Note(last)
	end := ""
	var got []string
	for second := range 201 {
		records := int64(7)
		if second == 200 {
			records++
		}
		line, err := trouble.Look(start.Add(time.Duration(second)*time.Second), records, true)
		if line != "" {
			got = append(got, fmt.Sprintf("%d: %s", second, line))
		}
		if err != nil {
			end = fmt.Sprintf("%d: %v", second, err)
			break
		}
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("told %q, want %q", got, want)
		}
	}
	if !strings.HasPrefix(end, wantEnd) || (end == "") != (wantEnd == "") {
		t.Errorf("ended with %q, want %q", end, wantEnd)
	}
}

// TestTroubleIsQuiet tells nothing when there is nothing to send, for however long.
func TestTroubleIsQuiet(t *testing.T) {
	trouble := &Trouble{moved: time.Unix(0, 0)}
	for second := range int64(1000) {
		if line, err := trouble.Look(time.Unix(second, 0), 3, second%100 < 4); line != "" || err != nil {
			t.Fatalf("second %d: %q, %v", second, line, err)
		}
	}
}

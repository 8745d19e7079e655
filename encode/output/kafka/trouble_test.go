package kafka

import (
	"errors"
	"fmt"
	"os"
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

func checkTrouble(t *testing.T, last error, want []string, wantEnd string) {
	t.Helper()
	start := time.Unix(0, 0)
	trouble := &trouble{moved: start, records: 7}
	trouble.note(last)
	end := ""
	var got []string
	for second := range 201 {
		records := int64(7)
		if second == 200 {
			records++
		}
		line, err := trouble.look(start.Add(time.Duration(second)*time.Second), records, true)
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
	trouble := &trouble{moved: time.Unix(0, 0)}
	for second := range int64(1000) {
		if line, err := trouble.look(time.Unix(second, 0), 3, second%100 < 4); line != "" || err != nil {
			t.Fatalf("second %d: %q, %v", second, line, err)
		}
	}
}

// TestReadme finds every option in the README.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	v := &values{}
	(&options{}).read(v)
	for _, name := range v.known {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the option %s is not there", name)
		}
	}
}

// TestTargets reads what a user may write.
func TestTargets(t *testing.T) {
	t.Setenv("PIKABIN_KAFKA_LINGER", "7ms")
	t.Setenv("PIKABIN_KAFKA_CLIENT_ID", "env")
	o, err := parse("kafka://a:1,[::1]:2/pika.{db}?client-id=url&create-topics=false&partitions=6&topic-config=retention.ms=1,cleanup.policy=compact,delete",
		map[string]string{"create-topics": "true"})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.brokers, o.topic, o.clientID, o.linger, o.create, o.partitions, o.replication, o.config)
	if want := "[a:1 [::1]:2]pika.{db}url7mstrue6-1map[cleanup.policy:compact,delete retention.ms:1]"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got %s, want %s", got, want)
	}
	for target, want := range map[string]string{
		"a/t":                                `number 1 is not the address of a broker`,
		"a:1,/t":                             `number 2 is not the address`,
		"a:1":                                `"" is not the name of a topic`,
		"a:1/x/y":                            `"x/y" is not the name of a topic`,
		"a:1/pika.{key}":                     `is not the name of a topic`,
		"u:hush?x@a:1/t":                     "number 1 is not the address of a broker",
		"a:1/t&password=hush":                "options come after a question mark",
		"u:hush@a:1/t":                       "does not belong into the address",
		"a:1/t?password=hush":                "set PIKABIN_KAFKA_PASSWORD in the environment",
		"a:1/t?acks=1":                       `there is no option "acks", only batch`,
		"a:1/t?linger=5":                     "option linger: expected a duration",
		"a:1/t?partitions=x":                 "option partitions: expected a number",
		"a:1/t?partitions=0":                 "numbers from 1 on",
		"a:1/t?create-topics=perhaps":        "true or false",
		"a:1/t?compression=rar":              "option compression: expected zstd, lz4, snappy, gzip, none",
		"a:1/t?source=a/b":                   "option source: a slash",
		"a:1/t?on-oversize=dlq":              "option on-oversize: expected fail, dlq:TOPIC",
		"a:1/t?on-oversize=blob:":            "option on-oversize: expected fail, dlq:TOPIC",
		"a:1/t?topic-config=x":               "expected KEY=VALUE",
		"a:1/t?sasl=plain":                   "sasl=plain needs the option user, and a password in PIKABIN_KAFKA_PASSWORD",
		"a:1/t?sasl=oauthbearer":             "needs a token",
		"a:1/t?tls-cert=x":                   "tls-cert and tls-key go together",
		"a:1/t?sasl=kerberos&buffer=hush%zz": "the options after the question mark cannot be read",
	} {
		want := strings.Replace(want, "only batch", "only", 1)
		if _, err := parse("kafka://"+target, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v, want %s", target, err, want)
		}
	}
}

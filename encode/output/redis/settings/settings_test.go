package settings

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// TestReadme finds every option in the README.
func TestReadme(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range read(&Options{}, nil).Known() {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the option %s is not there", name)
		}
	}
}

// TestTargets reads what a user may write.
func TestTargets(t *testing.T) {
	t.Setenv("PIKABIN_REDIS_RATE", "7")
	o, err := Parse("rediss://me@h:1/2?dbs=db1=4,db2=5&source=s&rate=9", map[string]string{"on-refused": "dlq:/x", "exactly-once": "true"})
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(o.Addresses, o.User, o.TLS, o.DB, o.DBs, o.Positions, o.Rate, o.OnRefused, o.RefusedTo, o.ExactlyOnce, o.Name())
	if want := "[h:1] me true 2 map[db1:4 db2:5] pikabin:positions:s 9 2 /x true redis://h:1/2"; strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("got %s, want %s", got, want)
	}
	if o, err = Parse("redis://h", nil); err != nil || o.Hosts() != "h:6379" || o.Rate != 7 {
		t.Errorf("%+v, %v", o, err)
	}
	for target, want := range map[string]string{
		"redis://me:hush@h:1":                  "set PIKABIN_REDIS_PASSWORD",
		"redis://h:1?password=hush":            "set PIKABIN_REDIS_PASSWORD",
		"redis://h:1/x":                        "no number of a DB",
		"redis://h:1/-1":                       "no number of a DB",
		"redis://:1":                           "expected redis://[USER@]HOST:PORT[,HOST:PORT][/DB]",
		"redis://h:hush/1":                     "expected redis://[USER@]HOST:PORT[,HOST:PORT][/DB]",
		"redis://h:1?dbs=db0":                  "option dbs: expected",
		"redis://h:1?dbs=db0=x":                "option dbs: expected NAME=NUMBER",
		"redis://h:1?on-refused=dlq:":          "expected fail, skip or dlq:FILE",
		"redis://h:1?target=valkey":            "expected auto, redis, pika",
		"redis://h:1?rate=-1":                  "a number of events in a second",
		"redis://h:1?answer-timeout=0":         "answer-timeout: expected more than 0",
		"redis://h:1?acks=1":                   `there is no option "acks"`,
		"redis://h:1?tls-ca=x":                 "options of TLS are for rediss://",
		"rediss://h:1?tls-cert=x":              "tls-cert and tls-key go together",
		"redis://h:1?target=pika&exactly-once": "which a Pika does not have",
		"redis://h:1,i:2?target=pika":          "several hosts are nodes of one Redis Cluster",
		"redis://h:1,i:2?exactly-once":         "whose transactions are of one node each",
		"redis://h:1,":                         "expected redis://[USER@]HOST:PORT[,HOST:PORT][/DB]",
		"redis://h:1,,i:2":                     "expected redis://[USER@]HOST:PORT[,HOST:PORT][/DB]",
		"redis://h:1,i:hush":                   "expected redis://[USER@]HOST:PORT[,HOST:PORT][/DB]",
		"redis://h:1,me:hush@i:2":              "set PIKABIN_REDIS_PASSWORD",
		"redis://me:hush@h:1,i:2":              "set PIKABIN_REDIS_PASSWORD",
	} {
		if _, err := Parse(target, nil); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// TestSeveralHosts reads the nodes of a cluster. The state is that of the first one.
func TestSeveralHosts(t *testing.T) {
	for target, want := range map[string]string{
		"redis://a:7000,b:7001,c:7002":             "a:7000,b:7001,c:7002  false redis://a:7000/0",
		"rediss://me@a:7000,b?target=redis":        "a:7000,b:6379 me true redis://a:7000/0",
		"redis://[::1]:7000,[::2]:7001,10.0.0.1/0": "[::1]:7000,[::2]:7001,10.0.0.1:6379  false redis://[::1]:7000/0",
		"redis://a,b?source=x/y@z":                 "a:6379,b:6379  false redis://a:6379/0",
	} {
		o, err := Parse(target, nil)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		if got := fmt.Sprint(o.Hosts(), " ", o.User, " ", o.TLS, " ", o.Name()); got != want || !o.Several() {
			t.Errorf("%s: got %s, want %s", target, got, want)
		}
	}
}

// TestNumbers: the address names the place of db0, the option dbs all others.
func TestNumbers(t *testing.T) {
	for _, test := range []struct{ target, db, want string }{
		{"redis://h", "db0", "0"},
		{"redis://h", "db7", "7"},
		{"redis://h/5", "db0", "5"},
		{"redis://h/5?dbs=db1=6", "db1", "6"},
		{"redis://h/5", "db1", "name that of db1"},
		{"redis://h?dbs=db0=3", "db0", "3"},
		{"redis://h?dbs=users=3", "users", "3"},
		{"redis://h", "users", "has no number"},
	} {
		o, err := Parse(test.target, nil)
		if err != nil {
			t.Fatal(err)
		}
		n, err := o.NumberOf(test.db)
		if got := fmt.Sprint(n, err); !strings.Contains(got, test.want) {
			t.Errorf("%s of %s: %s", test.db, test.target, got)
		}
	}
}

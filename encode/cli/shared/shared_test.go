package shared

import (
	"errors"
	"strings"
	"testing"
	"time"

	"pikabin/encode/claim"
)

// TestOpen: what is taken from an address, and what an output knows the state by, whatever nodes are named.
func TestOpen(t *testing.T) {
	s, err := Open("etcds://h1:2379,h2/pika/changes?ttl=4s", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.TTL != 4*time.Second || s.Every != 5*time.Second || s.Name != "etcds://h1:2379,h2/pika/changes" || s.ID != "etcd:/pika/changes" || !strings.HasPrefix(s.Holder, s.Host+"/") {
		t.Errorf("%+v", s)
	}
	again, err := Open("etcd://h3:2379/pika/changes", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if again.TTL != 10*time.Second || again.ID != s.ID || again.Holder == s.Holder {
		t.Errorf("%+v", again)
	}
	bucket, err := Open("s3://bucket/states/changes?interval=1m&region=eu-west-1", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer bucket.Close()
	if bucket.TTL != 30*time.Second || bucket.Every != time.Minute || bucket.Name != "s3://bucket/states/changes" || bucket.ID != bucket.Name {
		t.Errorf("%+v", bucket)
	}
}

// TestWrongAddresses are refused with their names, without what may be a password.
func TestWrongAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"etcd://h1/key?ttl=1ms":              "option ttl: expected a time of 1s or more",
		"etcd://h1/key?interval=soon":        "option interval",
		"etcd://h1/key?ttl=%zz":              "no list of options",
		"etcd://h1":                          "names no key",
		"etcd://me:secret@h1/key":            "--state etcd://h1/key: a password is never part",
		"s3://me:secret@bucket/key":          "--state s3://bucket/key: credentials",
		"s3://bucket/":                       "names no object",
		"s3://bucket/state?conditional=off":  "conditional writes",
		"etcd://h1/key?password=secret":      "there is no option",
		"s3://bucket/state?secret=a-secret!": "there is no option",
	} {
		_, err := Open(address, func(string) {})
		if _, ok := errors.AsType[*claim.AddressError](err); !ok || !strings.Contains(err.Error(), want) || strings.Contains(strings.ReplaceAll(err.Error(), `option "secret"`, ""), "secret") {
			t.Errorf("%s: %v, want %q", address, err, want)
		}
	}
}

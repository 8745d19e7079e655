// Package shared is the states that several hosts share, as --state names them.
package shared

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"pikabin/decode/units"
	"pikabin/encode/claim"
	"pikabin/encode/claim/bucket"
	"pikabin/encode/claim/etcd"
	"pikabin/encode/run"
)

// Variables are the environment variables that stores take.
func Variables() []string { return []string{etcd.PasswordVariable} }

// IsAddress tells a state that several hosts share from a file.
func IsAddress(state string) bool { return etcd.IsAddress(state) || bucket.IsAddress(state) }

// kind is what a store takes unless it is told otherwise. Each look at a bucket, and each save, costs money.
type kind struct{ ttl, interval time.Duration }

var (
	ofEtcd   = kind{ttl: 10 * time.Second, interval: 5 * time.Second}
	ofBucket = kind{ttl: 30 * time.Second, interval: 5 * time.Second}
)

// shortest is the shortest time to live: answers of a store have to fit into a third of it.
const shortest = time.Second

// Open understands an address. Nothing is sent yet. warn takes a line for the user.
func Open(address string, warn func(string)) (*run.Shared, error) {
	s, err := open(address, warn)
	if err != nil {
		return nil, &claim.AddressError{Name: Name(address), Err: err}
	}
	return s, nil
}

func open(address string, warn func(string)) (*run.Shared, error) {
	kind := ofBucket
	if etcd.IsAddress(address) {
		kind = ofEtcd
	}
	rest, err := kind.take(address)
	if err != nil {
		return nil, err
	}
	host := hostName()
	s := &run.Shared{Host: host, Every: kind.interval}
	s.Options = claim.Options{Name: Name(address), ID: identity(address), TTL: kind.ttl, Holder: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6]))}
	if etcd.IsAddress(address) {
		store, err := etcd.Open(rest, warn)
		if err != nil {
			return nil, err
		}
		s.Store, s.Close = store, store.Close
		return s, nil
	}
	store, err := bucket.Open(rest)
	if err != nil {
		return nil, err
	}
	s.Store, s.Close = store, store.Close
	return s, nil
}

// take reads the options that all stores have, and gives the address without them.
func (k *kind) take(address string) (rest string, err error) {
	place, query, _ := strings.Cut(address, "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return "", errors.New("what is after the question mark is no list of options")
	}
	for name, value := range map[string]*time.Duration{"ttl": &k.ttl, "interval": &k.interval} {
		text := options.Get(name)
		if text == "" {
			continue
		}
		if *value, err = units.ParseDuration(text); err != nil || *value < shortest {
			return "", fmt.Errorf("option %s: expected a time of %s or more, such as 10s", name, shortest)
		}
		options.Del(name)
	}
	if len(options) > 0 {
		place += "?" + options.Encode()
	}
	return place, nil
}

// Name is an address without its options, and without what does not belong into it and may be a password.
func Name(address string) string {
	place, _, _ := strings.Cut(address, "?")
	scheme, rest, _ := strings.Cut(place, "://")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

// identity is what an output knows a state by: nodes of etcd come and go.
func identity(address string) string {
	scheme, rest, _ := strings.Cut(Name(address), "://")
	if !etcd.IsAddress(address) {
		return Name(address)
	}
	_, key, _ := strings.Cut(rest, "/")
	return strings.TrimSuffix(scheme, "s") + ":/" + key
}

// hostName is the name of this host.
func hostName() string {
	host, err := os.Hostname()
	if err != nil {
		return "unknown"
	}
	return host
}

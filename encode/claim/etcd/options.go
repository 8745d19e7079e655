package etcd

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"
)

// The schemes of addresses: etcds speaks TLS.
const (
	scheme       = "etcd"
	secureScheme = "etcds"
)

// PasswordVariable holds the password of the user.
const PasswordVariable = "PIKABIN_ETCD_PASSWORD" //nolint:gosec // the name of it

// Options are the names of those that an address may have.
var Options = []string{"user", "password-file", "tls-ca", "tls-cert", "tls-key", "tls-server-name"}

// IsAddress tells whether a state is kept in etcd.
func IsAddress(state string) bool {
	return strings.HasPrefix(state, scheme+"://") || strings.HasPrefix(state, secureScheme+"://")
}

// target is an address that has been understood.
type target struct {
	endpoints []string // "http://h1:2379"
	key       string
	user      string
	password  string
	tls       *tls.Config // nil: none
}

// defaultPort is that of etcd for clients.
const defaultPort = "2379"

// parse understands etcd://h1:2379,h2:2379/prefix/name?option=value.
func parse(address string) (*target, error) {
	name, rest, _ := strings.Cut(address, "://")
	place, query, _ := strings.Cut(rest, "?")
	hosts, key, _ := strings.Cut(place, "/")
	given, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("what is after the question mark is no list of options")
	}
	if strings.Contains(hosts, "@") {
		return nil, fmt.Errorf("a password is never part of the address: give it in %s or password-file=, and the user in user=", PasswordVariable)
	}
	if key == "" || strings.HasSuffix(key, "/") {
		return nil, fmt.Errorf("it names no key: expected %s://HOST:2379[,HOST:2379]/KEY", name)
	}
	t := &target{key: "/" + key}
	for host := range strings.SplitSeq(hosts, ",") {
		endpoint, err := endpointOf(name, host)
		if err != nil {
			return nil, err
		}
		t.endpoints = append(t.endpoints, endpoint)
	}
	return t, t.take(name == secureScheme, given)
}

// endpointOf is the address of a node.
func endpointOf(name, host string) (string, error) {
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), defaultPort)
	}
	u, err := url.Parse("http://" + host)
	if err != nil || u.Hostname() == "" || u.Port() == "" {
		return "", fmt.Errorf("%q is no host and port: expected %s://HOST:2379[,HOST:2379]/KEY", host, name)
	}
	if name == secureScheme {
		u.Scheme = "https"
	}
	return u.String(), nil
}

func (t *target) take(secure bool, given url.Values) error {
	for name := range given {
		if !slices.Contains(Options, name) {
			return fmt.Errorf("there is no option %q for etcd, only interval, ttl, %s", name, strings.Join(Options, ", "))
		}
		if strings.HasPrefix(name, "tls-") && !secure {
			return fmt.Errorf("option %s is for %s://", name, secureScheme)
		}
	}
	if t.user = given.Get("user"); t.user != "" {
		if err := t.takePassword(given.Get("password-file")); err != nil {
			return err
		}
	}
	if !secure {
		return nil
	}
	return t.takeTLS(given)
}

func (t *target) takePassword(path string) error {
	if path == "" {
		if t.password = os.Getenv(PasswordVariable); t.password == "" {
			return fmt.Errorf("option user needs a password in %s, or in the file that password-file names", PasswordVariable)
		}
		return nil
	}
	text, err := os.ReadFile(path)
	t.password = strings.TrimRight(string(text), "\r\n")
	return err
}

// takeTLS takes the files of certificates.
func (t *target) takeTLS(given url.Values) error {
	t.tls = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: given.Get("tls-server-name")}
	if path := given.Get("tls-ca"); path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.tls.RootCAs = x509.NewCertPool()
		if !t.tls.RootCAs.AppendCertsFromPEM(text) {
			return fmt.Errorf("%s holds no certificate", path)
		}
	}
	cert, key := given.Get("tls-cert"), given.Get("tls-key")
	if cert == "" && key == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return fmt.Errorf("options tls-cert and tls-key: %w", err)
	}
	t.tls.Certificates = []tls.Certificate{pair}
	return nil
}

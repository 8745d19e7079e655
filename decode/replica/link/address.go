package link

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"pikabin/decode/units"
)

// Scheme begins the name of a server that is read over the network.
const Scheme = "pika://"

// defaultPort is Pika's.
const defaultPort = "9221"

// IsAddress tells a server from the path of files.
func IsAddress(source string) bool { return strings.HasPrefix(source, Scheme) }

// Address is a source as a user names it: pika://host[:9221][,host2…][/db0,db1][?options].
type Address struct {
	Options               // Hosts, and what the options say
	DBs          []string // empty: all
	PasswordFile string
}

// ParseAddress reads an address. The error is a *RefusedError.
func ParseAddress(text string) (a Address, err error) {
	rest, ok := strings.CutPrefix(text, Scheme)
	if !ok {
		return a, Refuse("%q is not the address of a server: expected pika://host:9221", text)
	}
	if strings.Contains(rest, "@") {
		return a, Refuse("a password is never part of the address: give it in PIKABIN_PIKA_PASSWORD or password-file=, and the user in user=")
	}
	rest, query, _ := strings.Cut(rest, "?")
	hosts, dbs, _ := strings.Cut(rest, "/")
	for host := range strings.SplitSeq(hosts, ",") {
		full, err := withPort(host)
		if err != nil {
			return a, Refuse("%s: %v", text, err)
		}
		a.Hosts = append(a.Hosts, full)
	}
	if dbs = strings.Trim(dbs, "/"); dbs != "" {
		a.DBs = strings.Split(dbs, ",")
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return a, Refuse("%s: %v", text, err)
	}
	for name, list := range values {
		if err := a.set(name, list[len(list)-1]); err != nil {
			return a, Refuse("%s: option %s: %v", text, name, err)
		}
	}
	if a.As != "" && !a.Visible {
		return a, Refuse("%s: as= is the name of a replica that the server counts: it needs attach=replica", text)
	}
	return a, nil
}

// Sources are what a state keeps of the address.
func (a *Address) Sources() []string {
	var list []string
	for _, host := range a.Hosts {
		list = append(list, Scheme+host)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func withPort(host string) (string, error) {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.Trim(host, "[]"), defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || name == "" {
		return "", fmt.Errorf("%q is not a server: expected host:9221", host)
	}
	return net.JoinHostPort(name, port), nil
}

// set takes one option.
func (a *Address) set(name, value string) (err error) {
	switch name {
	case "repl-port":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 16)
		a.ReplicationPort = int(n)
	case "attach":
		if a.Visible = value == "replica"; !a.Visible && value != "quiet" {
			err = fmt.Errorf("%q: expected quiet or replica", value)
		}
	case "as":
		a.As = value
	case "hold":
		if a.NoHold = value == "off"; !a.NoHold && value != "on" {
			err = fmt.Errorf("%q: expected on or off", value)
		}
	case "hold-limit":
		a.HoldLimit, err = units.ParseSize(value)
	case "patience":
		a.Patience, err = units.ParseDuration(value)
	case "start-timeout":
		a.StartTimeout, err = units.ParseDuration(value)
	case "password-file":
		a.PasswordFile = value
	case "user":
		a.User = value
	default:
		err = errors.New("there are repl-port, attach, as, hold, hold-limit, patience, start-timeout, password-file and user")
	}
	return err
}

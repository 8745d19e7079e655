package link

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pikabin/encode/output/redis/settings"
)

// Facts are what a server says of itself.
type Facts struct {
	Server  string // settings.Redis or settings.Pika
	Version string
	Evicts  bool // it removes keys by itself when it is full, whatever they are
	Cluster bool // it is a node of a Redis Cluster, and has a part of the keys
}

// leastRedis is the first version whose commands tell the deadline of a key.
const leastRedis = 7

// Ask asks the server for what it is. A server that does not tell is what the option target says.
func Ask(c *Conn, target string) (*Facts, error) {
	reply, err := c.Do("INFO")
	if _, refused := asReply(err); refused && !Passes(err) {
		return factsOf("", target)
	}
	if err != nil {
		return nil, err
	}
	text, ok := reply.([]byte)
	if !ok {
		return nil, fmt.Errorf("INFO: the reply is a %T", reply)
	}
	return factsOf(string(text), target)
}

// AskAny asks the hosts that are named one by one, until one answers, and gives all of them, that one first. One that is silent takes its share of the time.
func (d *Dialer) AskAny(ctx context.Context) (*Facts, []string, error) {
	var errs []error
	hosts := d.o.Addresses
	for i, host := range hosts {
		f, err := d.At(host).ask(ctx, len(hosts)-i)
		if err == nil {
			return f, slices.Concat(hosts[i:], hosts[:i]), nil
		}
		if len(hosts) > 1 {
			err = fmt.Errorf("the node %s: %w", host, err)
		}
		if errs = append(errs, err); !Passes(err) {
			break
		}
	}
	return nil, nil, errors.Join(errs...)
}

// ask asks one of so many hosts that are left.
func (d *Dialer) ask(ctx context.Context, left int) (*Facts, error) {
	if end, ok := ctx.Deadline(); ok {
		var done context.CancelFunc
		ctx, done = context.WithTimeout(ctx, time.Until(end)/time.Duration(left))
		defer done()
	}
	conn, err := d.Dial(ctx)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return Ask(conn, d.o.Server)
}

func factsOf(info, target string) (*Facts, error) {
	said := map[string]string{}
	for line := range strings.Lines(info) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			said[name] = value
		}
	}
	f := &Facts{Server: target, Version: said["redis_version"], Evicts: strings.HasPrefix(said["maxmemory_policy"], "allkeys-")}
	f.Cluster = said["cluster_enabled"] == "1" || said["redis_mode"] == "cluster"
	if said["redis_mode"] == "sentinel" {
		return nil, errors.New("the server is a Sentinel, which has no keys: name the master that it watches")
	}
	if target == settings.Auto {
		switch {
		case said["pika_version"] != "":
			f.Server = settings.Pika
		case f.Version != "":
			f.Server = settings.Redis
		default:
			return nil, errors.New("INFO names neither redis_version nor pika_version: say with the option target what the server is, redis or pika")
		}
	}
	if f.Server == settings.Pika {
		f.Version = said["pika_version"]
	}
	return f, f.check()
}

func (f *Facts) check() error {
	major, _, _ := strings.Cut(f.Version, ".")
	if n, err := strconv.Atoi(major); f.Server == settings.Redis && err == nil && n < leastRedis {
		return fmt.Errorf("the server is a Redis %s: the commands need Redis %d or later", f.Version, leastRedis)
	}
	return nil
}

package redis

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/sink"
)

// Type is the row of the table.
var Type = sink.Type{
	Name:      "redis",
	Form:      settings.Form,
	Doc:       "a Redis, a Pika, or a Redis Cluster by one or more of its nodes, that does what the log says; rediss:// with TLS",
	Delivered: "answered by the server",
	Crash:     "at least once, so that an INCR may come twice; once with the option exactly-once",
	Settings:  flags,
	Variables: settings.Variables,
	Parse:     parse,
}

// flags are those options that decide what the server comes to hold. They are taken from the URL and from PIKABIN_REDIS_... too.
var flags = []sink.Setting{
	{Name: "exactly-once", Help: "Events and position in one transaction."},
	{Name: "on-refused", Placeholder: "HOW", Help: "An event that the server refuses: fail or dlq:TOPIC with Kafka; fail, skip or dlq:FILE with a Redis or Pika."},
	{Name: "rate", Placeholder: "N", Help: "At most this many events in a second."},
}

// formats are those that servers take.
var formats = map[string]string{settings.Redis: "redis", settings.Pika: "resp"}

// output is a value of --output, and the options that were given elsewhere.
type output struct{ *settings.Options }

func parse(target string, given map[string]string) (sink.Output, bool, error) {
	if !settings.IsTarget(target) {
		return nil, false, nil
	}
	options, err := settings.Parse(target, given)
	return output{options}, true, err
}

// Target implements sink.Output.
func (o output) Target() sink.Target {
	t := sink.Target{First: true, Takes: o.takes, Keeps: o.ExactlyOnce}
	if o.RefusedTo != "" {
		t.Paths = []string{o.RefusedTo}
	}
	return t
}

// Identity implements sink.Output.
func (o output) Identity(context.Context, sink.Monitor) (string, error) { return o.Name(), nil }

// takes asks the server what it is, unless the user has said that it is a Pika.
func (o output) takes(ctx context.Context, m sink.Monitor) (sink.Takes, error) {
	if o.Server == settings.Pika {
		return sink.Takes{Format: formats[o.Server], Server: true}, nil
	}
	s, err := prepare(o.Options, &sink.Env{Monitor: m})
	if err == nil {
		err = s.reach(ctx)
	}
	if err != nil {
		return sink.Takes{}, err
	}
	return sink.Takes{Format: formats[s.facts.Server], Server: true, Cluster: s.facts.Cluster}, nil
}

// reached makes a replay whose server has said what it is.
func (o output) reached(ctx context.Context, e *sink.Env) (*replay, error) {
	if e.Frames != nil {
		return nil, &sink.TargetError{Err: errors.New("--compress is for files: a server takes commands as they are")}
	}
	for _, db := range e.DBs {
		if _, err := o.NumberOf(db); err != nil {
			return nil, &sink.TargetError{Err: err}
		}
	}
	s, err := prepare(o.Options, e)
	if err != nil {
		return nil, err
	}
	if err := s.reach(ctx); err != nil {
		return nil, err
	}
	if s.facts.Server == settings.Pika {
		s.deadlines.held = 0
	}
	s.deadlines.cluster = s.facts.Cluster
	switch {
	case s.facts.Cluster:
		return s, o.checkCluster(e.DBs)
	case o.Several():
		return s, &sink.TargetError{Err: fmt.Errorf("several hosts are nodes of one Redis Cluster, and %s is no node of one: name one server", s.seeds[0])}
	case o.Replicas > 0:
		return s, &sink.TargetError{Err: errors.New("the option replicas is for a Redis Cluster, and the server is no node of one")}
	}
	return s, nil
}

// checkCluster refuses what a cluster cannot do.
func (o output) checkCluster(dbs []string) error {
	for _, db := range dbs {
		if n, err := o.NumberOf(db); err == nil && n != 0 {
			return &sink.TargetError{Err: fmt.Errorf("the server is a node of a Redis Cluster, which has the DB 0 alone, and %s would go to %d: read one DB, with --db, which goes to 0 with the option dbs=%s=0",
				db, n, db)}
		}
	}
	return nil
}

// Open implements sink.Output.
func (o output) Open(ctx context.Context, e sink.Env) (sink.Opened, error) {
	s, err := o.reached(ctx, &e)
	if err != nil {
		return sink.Opened{}, err
	}
	if s.refused, err = openRefusals(ctx, o.Options, &e); err != nil {
		return sink.Opened{}, err
	}
	opened := sink.Opened{Traits: sink.Traits{Messages: true, Failed: s.broken, Drain: o.CloseTimeout + closeMargin, Whole: s.whole}}
	if o.ExactlyOnce {
		return openExactly(ctx, s, opened)
	}
	s.session = s.plainly
	if s.facts.Cluster {
		s.session = s.scatter
	}
	opened.Sink, opened.Traits.Note = s, func() any { return s.deadlines.note() }
	s.deadlines.resume(e.Resume, e.Note)
	s.name = nameOf(e.State)
	s.start()
	return opened, nil
}

// nameOf names the connections of all runs with a state, of which there is one at a time; empty without a state.
func nameOf(state string) string {
	if state == "" {
		return ""
	}
	if path, err := filepath.Abs(state); err == nil && !strings.Contains(state, "://") {
		host, _ := os.Hostname()
		state = host + ":" + path
	}
	sum := sha256.Sum256([]byte(state))
	return fmt.Sprintf("pikabin-%x", sum[:8])
}

// openExactly finds the positions that the server holds.
func openExactly(ctx context.Context, s *replay, opened sink.Opened) (sink.Opened, error) {
	x := newExactly(s)
	if err := s.inTime(ctx, x.claimFirst); err != nil {
		return sink.Opened{}, errors.Join(err, s.refused.close())
	}
	s.session, s.landed = x.session, x.landed
	opened.Sink, opened.Found.Positions = x, x.found.Marks
	s.start()
	return opened, nil
}

// reach waits until the server says what it is, for as long as the start may take.
func (s *replay) reach(ctx context.Context) error {
	return s.inTime(ctx, func(ctx context.Context) error {
		var err error
		if s.facts, s.seeds, err = s.dialer.AskAny(ctx); err != nil {
			return err
		}
		switch {
		case s.o.ExactlyOnce && s.facts.Server == settings.Pika:
			return settings.ErrPikaOnce
		case s.o.ExactlyOnce && s.facts.Cluster:
			return settings.ErrClusterOnce
		}
		return nil
	})
}

// inTime tries a step of the start until it succeeds, within the option start-timeout.
func (s *replay) inTime(ctx context.Context, step func(context.Context) error) error {
	within, cancel := context.WithTimeout(ctx, s.o.StartTimeout)
	defer cancel()
	s.patience.Limit(s.o.StartTimeout)
	defer s.patience.Limit(0)
	for {
		err := step(within)
		if err == nil {
			s.patience.Over()
			return nil
		}
		if passes := link.Passes(err) || within.Err() != nil; !passes || s.patience.Wait(within, err) != nil {
			s.patience.Over()
			err = fmt.Errorf("redis: %s: %w", s.o.Hosts(), err)
			if ctx.Err() != nil {
				return &sink.StoppedError{Err: err}
			}
			return err
		}
	}
}

// heldNote is what a state says of the server.
type heldNote struct {
	Held bool `json:"held"` // deadlines are still to be put into effect
}

// resume takes what the state says. Nobody knows without one.
func (d *deadlines) resume(there bool, note []byte) {
	var n heldNote
	if there && note != nil && json.Unmarshal(note, &n) == nil {
		d.waiting = n.Held
	}
}

// note is for the state.
func (d *deadlines) note() any {
	d.mu.Lock()
	defer d.mu.Unlock()
	return heldNote{Held: d.waiting}
}

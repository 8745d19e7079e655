// Package network is a run.Source of the logs of a server that is read over the network.
package network

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/decode/replica"
	"pikabin/decode/replica/link"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
	"pikabin/encode/run"
)

// PasswordVariable holds the password of a server.
const PasswordVariable = "PIKABIN_PIKA_PASSWORD" //nolint:gosec // the name of it

// Source reads the logs of a server, to their ends as they are now or as they grow.
type Source struct {
	Options     link.Options
	From, Until decode.Where
	Follows     bool
	Say         func(text string) // takes a line for the user

	address link.Address
	db      []string // that were asked for by name
	server  *link.Server
	logs    []*replica.Log
	stream  *replica.Stream
	ends    map[*decode.Log]decode.Position
}

// New understands the address of a server. db are the DBs that the user wants to be there, and wants says which are read.
func New(source string, db []string, wants func(log string) bool) (*Source, error) {
	n := &Source{ends: map[*decode.Log]decode.Position{}, Until: decode.LogEnd, Say: func(string) {}}
	var err error
	if n.address, err = link.ParseAddress(source); err != nil {
		return nil, err
	}
	n.db = slices.Concat(db, n.address.DBs)
	n.Options = n.address.Options
	if n.Options.Secret, err = secret(n.address.PasswordFile); err != nil {
		return nil, err
	}
	n.Options.Name = identity()
	n.Options.Want = func(l *decode.Log) bool { return wants(l.String()) && n.names(l.DB) }
	return n, nil
}

// Sources are what a state keeps of the address.
func (n *Source) Sources() []string { return n.address.Sources() }

// Logs are those that were found.
func (n *Source) Logs() []*replica.Log { return n.logs }

// secret is the password from a file or the environment; empty: none is needed.
func secret(path string) (string, error) {
	if path == "" {
		return os.Getenv(PasswordVariable), nil
	}
	text, err := os.ReadFile(path)
	return strings.TrimRight(string(text), "\r\n"), err
}

// identity is how this process is called in the messages of a server: pikabin-HOST-PID.
func identity() string {
	const most = 200
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	ascii := strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == ':' {
			return '-'
		}
		return r
	}, host)
	return fmt.Sprintf("pikabin-%s-%d", ascii[:min(len(ascii), most)], os.Getpid())
}

// names says whether the address names a DB.
func (n *Source) names(db string) bool {
	return len(n.address.DBs) == 0 || slices.Contains(n.address.DBs, db)
}

// Find connects to the server.
func (n *Source) Find(ctx context.Context) ([]run.Log, error) {
	err := n.HangUp() // of a look before
	if err != nil {
		return nil, err
	}
	if n.server, err = link.Connect(ctx, n.Options); err != nil {
		return nil, err
	}
	there := replica.DBs(n.server)
	for _, db := range n.db {
		if !slices.Contains(there, db) {
			return nil, link.Refuse("the server has no DB %q, but %s", db, strings.Join(there, ", "))
		}
	}
	n.logs = replica.Logs(n.server)
	if len(n.logs) > 1 && (n.From.IsPosition() || n.Until.IsPosition()) {
		return nil, link.Refuse("a position is a place in one DB's log: name it in the address, or with --db")
	}
	list := make([]run.Log, len(n.logs))
	for i, l := range n.logs {
		list[i] = l
		if n.Follows {
			continue
		}
		if n.ends[l.ID()], err = n.end(ctx, l); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// end is where the reading of a log ends that is not followed.
func (n *Source) end(ctx context.Context, l *replica.Log) (decode.Position, error) {
	until, err := l.Resolve(ctx, n.Until)
	if _, beyond := errors.AsType[*decode.BeyondError](err); beyond {
		return l.Committed(), nil
	}
	return until, err
}

// Open begins to read the logs.
func (n *Source) Open(ctx context.Context, begin run.Begin) (run.Source, error) {
	var err error
	n.stream, err = replica.Open(ctx, n.server, n.logs, n.Follows, func(ctx context.Context, l *replica.Log, late bool) (replica.Start, error) {
		place, err := begin(ctx, l, late)
		if err != nil {
			return replica.Start{}, err
		}
		start := replica.Start{From: place.From(), Before: place.Before}
		if place.Before == nil {
			start.Fence, start.Saved = place.Mark.Fence, place.Saved && start.From.Offset > 0
		}
		text := fmt.Sprintf("%s: from %s", l.ID(), place.Why)
		if until, ok := n.ends[l.ID()]; ok {
			start.Until = &until
			text += " to " + run.Named(until, n.Until)
		}
		n.Say(text)
		return start, nil
	})
	return n, err
}

// Next gives the next chunk.
func (n *Source) Next(ctx context.Context) (decode.Chunk, error) { return n.stream.Next(ctx) }

// Stop ends the stream.
func (n *Source) Stop() { n.stream.Stop() }

// Close ends the connections that records come over.
func (n *Source) Close() error { return n.stream.Close() }

// Expect says which servers the saved positions are of.
func (n *Source) Expect(group string) {
	if n.server != nil {
		n.server.Options.Group = group
	}
}

// Present are the servers that the logs are of, as far as they were read.
func (n *Source) Present() string { return n.stream.Group() }

// HangUp ends the connection to the server.
func (n *Source) HangUp() error {
	if n == nil || n.server == nil { // the logs are files, or nothing was asked
		return nil
	}
	return n.server.Close()
}

// Delivered lets the server purge what is saved.
func (n *Source) Delivered(marks map[*decode.Log]checkpoint.Mark) {
	for log, mark := range marks {
		n.stream.Delivered(log, mark.Position)
	}
}

var _ run.Group = (*Source)(nil)

// keptSegments is how many segments a server always keeps.
const keptSegments = 10

// Status are the logs as the server has told last.
func (n *Source) Status() []health.LogStatus {
	list := n.stream.Status()
	statuses := make([]health.LogStatus, len(list))
	for i, s := range list {
		oldest := max(int64(s.End.Segment)-keptSegments, 0)
		statuses[i] = health.LogStatus{
			Log: s.Log, End: s.End, Segments: int(int64(s.End.Segment) - oldest + 1), Grew: s.Grew,
			Behind: func(from decode.Position) int64 {
				return max((int64(s.End.Segment)-int64(from.Segment))*s.FileSize+s.End.Offset-from.Offset, 0)
			},
			Older:   func(p decode.Position) int64 { return max(int64(p.Segment)-oldest, 0) },
			Trouble: s.Trouble, TroubleSince: s.TroubleSince,
			Remote: &health.Remote{Connected: s.Connected, Reconnects: s.Reconnects, Held: s.Held, LetGo: s.LetGo},
		}
	}
	return statuses
}

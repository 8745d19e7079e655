package cluster

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/words"
)

// verdict is what the answers to an event say.
type verdict struct {
	refused redis.Error // for a reason of its own; empty: it is not
	command int         // that was refused
	later   redis.Error // it is not done, and may be later, or at another node
}

// receive receives the answers to the commands of an event that were sent, each after one to ASKING if that was sent.
func receive(conn *link.Conn, e *Event, asking bool) (v verdict, err error) {
	for command := e.got; command < words.Count(e.Commands); command++ {
		if asking {
			if _, err := conn.Receive(); err != nil {
				return v, err
			}
		}
		reply, err := conn.Receive()
		if err != nil {
			return v, err
		}
		why, isError := reply.(redis.Error)
		switch {
		case isError && (link.Passes(why) || isSentOn(why)):
			v.later = cmp.Or(v.later, why)
		case isError && v.refused == "":
			v.refused, v.command = why, command
		case v.later == "" && v.refused == "":
			e.got = command + 1
		}
	}
	return v, nil
}

// isSentOn tells whether a command is to be done at another node, or at this one and the next in turn.
func isSentOn(why redis.Error) bool { return link.IsAbout(why, "MOVED", "ASK", "TRYAGAIN") }

// settle takes the answers to an event that is done, or refused.
func settle(ctx context.Context, b Batch, i int, v verdict) error {
	if v.refused != "" {
		if err := b.Refused(ctx, i, v.command, v.refused); err != nil {
			return err
		}
	}
	b.Events()[i].answered = true
	return nil
}

// mend does what a flow has left that needs care, and says how much that was: the events that were sent on, one by one, and what is for all keys, if that is
// the next.
func (s *Session) mend(ctx context.Context, left []Batch, moved redis.Error) (mended int, err error) {
	if link.IsAbout(moved, "MOVED") {
		if err := s.Nodes.Learn(ctx, target(moved, s.Nodes.owners[0])); err != nil {
			return 0, err
		}
	}
	open := map[int]bool{} // slots with an event that is not done
	for _, b := range left {
		events := b.Events()
		for i := range events {
			switch e := &events[i]; {
			case e.done:
				continue
			case e.Slot == Wide && len(open) == 0:
				return mended + 1, s.everywhere(ctx, b, i)
			case e.sentOn && !open[e.Slot]:
				if err := s.follow(ctx, b, i); err != nil {
					return mended, err
				}
				mended++
			default:
				open[e.Slot] = true
			}
			events[i].sentOn = false
		}
	}
	return mended, nil
}

// everywhere has an event done by all masters.
func (s *Session) everywhere(ctx context.Context, b Batch, i int) error {
	e, refused := &b.Events()[i], verdict{}
	err := s.Nodes.Steadily(ctx, func(address string, conn *link.Conn) error {
		e.got = 0
		if err := conn.Write(e.Commands); err != nil {
			return err
		}
		v, err := receive(conn, e, false)
		switch {
		case err == nil && v.later != "":
			return v.later
		case v.refused != "":
			refused = v
		}
		if err == nil {
			err = s.Nodes.Kept(ctx, address, conn)
		}
		return err
	})
	e.got = 0
	if err != nil {
		return err
	}
	return finish(ctx, b, i, refused)
}

// finish ends an event that enough replicas have.
func finish(ctx context.Context, b Batch, i int, v verdict) error {
	e := &b.Events()[i]
	err := settle(ctx, b, i, v)
	e.done = e.answered
	return err
}

// mostHops is how often an event is sent on.
const mostHops = 5

// follow does an event at the node that it was sent on to.
func (s *Session) follow(ctx context.Context, b Batch, i int) error {
	e := &b.Events()[i]
	address, asking := s.Nodes.owners[e.Slot], false
	var v verdict
	for range mostHops {
		conn, err := s.Nodes.to(ctx, address)
		if err == nil {
			v, err = exchange(conn, e, asking)
		}
		if err != nil {
			return fmt.Errorf("the node %s: %w", address, err)
		}
		switch {
		case v.later == "":
			if err := s.Nodes.Kept(ctx, address, conn); err != nil {
				e.forget()
				return err
			}
			return finish(ctx, b, i, v)
		case link.IsAbout(v.later, "MOVED", "ASK"):
			address, asking = target(v.later, address), link.IsAbout(v.later, "ASK")
		default:
			return fmt.Errorf("the node %s: %w", address, v.later)
		}
	}
	return &link.LaterError{Why: "the nodes of the cluster send a command on to each other: " + v.later.Error()}
}

// exchange sends an event to a node. A node that is about to get a slot does what is for it only if it is asked to, for each command anew.
func exchange(conn *link.Conn, e *Event, asking bool) (v verdict, err error) {
	var text []byte
	for rest := words.From(e.Commands, e.got); len(rest) > 0; {
		if asking {
			text = words.Append(text, "ASKING")
		}
		var command []byte
		command, rest = words.Cut(rest)
		text = append(text, command...)
	}
	if err := conn.Write(text); err != nil {
		return v, err
	}
	return receive(conn, e, asking)
}

// target is the node that a reply such as MOVED 3999 10.0.0.7:6379 names.
func target(why redis.Error, from string) string {
	fields := strings.Fields(string(why))
	return located(fields[len(fields)-1], from)
}

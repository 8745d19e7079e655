package cluster

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/words"
)

// A master answers before its replicas have what it did, and a replica that takes over knows nothing of what it lacks. So an event may be done
// only once enough of them have it: WAIT after it tells how many do, as of all before it on the same connection.

// patience is for how many milliseconds a node waits for its replicas, until it answers how many there are.
const patience = "500"

// appendWait appends what asks a node for its replicas.
func (n *Nodes) appendWait(dst []byte) []byte {
	if n.Replicas == 0 {
		return dst
	}
	return words.Append(dst, "WAIT", strconv.Itoa(n.Replicas), patience)
}

// enough reads the answer to that. A node that has become a replica meanwhile is no master any more, and what it has may be lost.
func (n *Nodes) enough(reply any) error {
	why, isError := reply.(redis.Error)
	switch {
	case isError && strings.Contains(string(why), "replica instances"):
		return &link.LaterError{Why: "it has become a replica, whose master may lack the last of what it has confirmed"}
	case isError:
		return fmt.Errorf("asking for its replicas: %w", why)
	}
	have, err := redis.Int(reply, nil)
	if err == nil && have < n.Replicas {
		err = &shortError{have: have, of: n.Replicas}
	}
	return err
}

// shortError is a master too few of whose replicas have what it did.
type shortError struct{ have, of int }

// Error says how many do.
func (e *shortError) Error() string {
	return fmt.Sprintf("%d replicas have what was sent, and %d have to (option replicas)", e.have, e.of)
}

// Kept waits until enough replicas have what a node has done over a connection.
func (n *Nodes) Kept(ctx context.Context, address string, conn *link.Conn) error {
	for n.Replicas > 0 {
		if err := conn.Write(n.appendWait(nil)); err != nil {
			return err
		}
		reply, err := conn.Receive()
		if err != nil {
			return err
		}
		err = n.enough(reply)
		if _, short := err.(*shortError); !short { //nolint:errorlint // it is never wrapped
			return err
		}
		if err := n.Short(ctx, fmt.Errorf("the node %s: %w", address, err)); err != nil {
			return err
		}
	}
	return nil
}

// Succession is what has the slots now that another node had.
type Succession struct{ Of, By string }

// Successions tells nodes that had slots and have none any more, and of each the one that came to have all of them and had none: so it is where a
// replica has taken over.
func Successions(before, after []string) (all []Succession) {
	had, have := Masters(before), Masters(after)
	heirs := map[string]string{}
	for slot, of := range before {
		if by, known := heirs[of]; known && by != after[slot] {
			heirs[of] = ""
		} else if !known {
			heirs[of] = after[slot]
		}
	}
	for _, of := range had {
		if by := heirs[of]; !slices.Contains(have, of) && by != "" && !slices.Contains(had, by) {
			all = append(all, Succession{Of: of, By: by})
		}
	}
	return all
}

// confirm ends the events of a part that are answered, if enough replicas have them. If these are only late nothing more is sent until they have.
func (f *flow) confirm(l *lane, p part) {
	err := f.kept(l)
	_, short := err.(*shortError) //nolint:errorlint // it is never wrapped
	switch {
	case err == nil:
		p.end()
	case short:
		l.unsure = append(l.unsure, p)
		f.stop()
	default:
		p.forget()
		f.lose(l, err)
	}
}

// kept reads whether enough replicas have what a node has answered.
func (f *flow) kept(l *lane) error {
	if f.Nodes.Replicas == 0 {
		return nil
	}
	reply, err := l.conn.Receive()
	if err == nil {
		err = f.Nodes.enough(reply)
	}
	return err
}

// confirmLater waits for replicas that were late. After an error what they may lack is sent again.
func (f *flow) confirmLater(ctx context.Context, err error) error {
	for _, l := range f.lanes {
		if len(l.unsure) > 0 && err == nil {
			err = f.Nodes.Kept(ctx, l.address, l.conn)
		}
		for _, p := range l.unsure {
			if err == nil {
				p.end()
			} else {
				p.forget()
			}
		}
	}
	return err
}

// end ends the events of a part that are answered.
func (p part) end() {
	events := p.flight.Events()
	for _, i := range p.events {
		events[i].done = events[i].answered
	}
}

// forget lets all of them be sent again.
func (p part) forget() {
	events := p.flight.Events()
	for _, i := range p.events {
		events[i].forget()
	}
}

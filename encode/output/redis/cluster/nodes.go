package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/gomodule/redigo/redis"

	"pikabin/encode/output/redis/link"
)

// Access is how nodes are reached.
type Access struct {
	Dialer *link.Dialer
	Take   func(conn *link.Conn, address string) error // is done with each new connection
	Learnt func(owners []string)                       // is told the addresses of masters, by slot, whenever they were asked for

	Replicas int                                        // of a master have to have what it has answered; 0: it is enough that it has
	Short    func(ctx context.Context, why error) error // waits while they do not; an error ends it
}

// Nodes are connections to the masters of a cluster, and who has which slot. It is not for several goroutines.
type Nodes struct {
	Access

	conns  map[string]*link.Conn // by address
	owners []string              // addresses of masters, by slot
}

// Open asks one of the nodes at some addresses for all of them, and connects to the masters.
func (a Access) Open(ctx context.Context, seeds []string) (*Nodes, error) {
	n := &Nodes{Access: a, conns: map[string]*link.Conn{}}
	var err error
	for _, seed := range seeds {
		var failed error
		if failed = n.Learn(ctx, seed); failed == nil {
			return n, nil
		}
		err = errors.Join(err, fmt.Errorf("the node %s: %w", seed, failed))
		if !link.Passes(failed) {
			break
		}
	}
	n.Close()
	return nil, err
}

// Close ends the connections.
func (n *Nodes) Close() {
	for _, conn := range n.conns {
		conn.Close()
	}
}

// Masters are the addresses of those that have slots.
func (n *Nodes) Masters() []string { return Masters(n.owners) }

// Masters are the owners of slots, each once.
func Masters(owners []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(owners)))
}

// Learn asks a node who has which slot, and connects to those.
func (n *Nodes) Learn(ctx context.Context, from string) error {
	conn, err := n.to(ctx, from)
	if err != nil {
		return err
	}
	owners, err := ask(conn, from)
	if err != nil {
		return err
	}
	n.owners = owners
	n.Learnt(owners)
	for _, master := range n.Masters() {
		if _, err := n.to(ctx, master); err != nil {
			return fmt.Errorf("the node %s: %w", master, err)
		}
	}
	return nil
}

// to is the connection to a node.
func (n *Nodes) to(ctx context.Context, address string) (*link.Conn, error) {
	if conn := n.conns[address]; conn != nil {
		return conn, nil
	}
	conn, err := n.Dialer.At(address).Dial(ctx)
	if err != nil {
		return nil, err
	}
	if err := n.Take(conn, address); err != nil {
		conn.Close()
		return nil, err
	}
	n.conns[address] = conn
	return conn, nil
}

// ask reads which master has which slot. One that does not know its own host is at the one where the answer comes from.
func ask(conn *link.Conn, from string) ([]string, error) {
	ranges, err := redis.Values(conn.Do("CLUSTER", "SLOTS"))
	if err != nil {
		return nil, err
	}
	owners := make([]string, Slots)
	for _, r := range ranges {
		if err := takeRange(owners, r, from); err != nil {
			return nil, fmt.Errorf("CLUSTER SLOTS: %w", err)
		}
	}
	if slot := slices.Index(owners, ""); slot >= 0 {
		return nil, &link.LaterError{Why: fmt.Sprintf("no node of the cluster has the slot %d", slot)}
	}
	return owners, nil
}

// takeRange reads first, last, and the master's host and port.
func takeRange(owners []string, reply any, from string) error {
	fields, err := redis.Values(reply, nil)
	if err == nil && len(fields) < 3 {
		err = errors.New("a range without a node")
	}
	if err != nil {
		return err
	}
	var first, last int
	var master []any
	if _, err := redis.Scan(fields, &first, &last); err != nil {
		return err
	}
	if master, err = redis.Values(fields[2], nil); err != nil {
		return err
	}
	if len(master) < 2 || first < 0 || last < first || last >= Slots {
		return fmt.Errorf("the range from %d to %d makes no sense", first, last)
	}
	port, err := redis.Int(master[1], nil)
	if err != nil {
		return err
	}
	address := located(net.JoinHostPort(hostOf(master), strconv.Itoa(port)), from)
	for slot := first; slot <= last; slot++ {
		owners[slot] = address
	}
	return nil
}

// hostOf is what a node announces, "" where that is not known. One that is to have a name, and has none, has its address besides.
func hostOf(node []any) string {
	host, _ := redis.String(node[0], nil)
	if host == "?" && len(node) > 3 {
		if besides, err := redis.StringMap(node[3], nil); err == nil {
			return besides["ip"]
		}
	}
	return host
}

// located is an address that a node has told, with that node's host where it does not know it.
func located(address, from string) string {
	host, port, err := net.SplitHostPort(address)
	if err == nil && (host == "" || host == "?") {
		if known, _, err := net.SplitHostPort(from); err == nil {
			return net.JoinHostPort(known, port)
		}
	}
	return address
}

// Steadily does something on each master, while no slot is on its way from one to another one: what is for all keys would miss those that go past it. If a slot
// has gone meanwhile it is to be done again.
func (n *Nodes) Steadily(ctx context.Context, each func(address string, conn *link.Conn) error) error {
	before := slices.Clone(n.owners)
	if err := n.rest(); err != nil {
		return err
	}
	for _, master := range n.Masters() {
		conn, err := n.to(ctx, master)
		if err == nil {
			err = each(master, conn)
		}
		if err != nil {
			return err
		}
	}
	if err := n.Learn(ctx, n.owners[0]); err != nil {
		return err
	}
	if !slices.Equal(before, n.owners) {
		return &link.LaterError{Why: "slots have moved while something was done that is for all keys"}
	}
	return n.rest()
}

// rest tells that no slot is on its way.
func (n *Nodes) rest() error {
	for address, conn := range n.conns {
		text, err := redis.String(conn.Do("CLUSTER", "NODES"))
		if err != nil {
			return err
		}
		if isMoving(text) {
			return &link.LaterError{Why: "slots are on their way from or to the node " + address + ": what is for all keys, such as a flush, waits until that is over " +
				"(redis-cli --cluster check shows it, redis-cli --cluster fix ends it)"}
		}
	}
	return nil
}

// isMoving finds slots that are on their way in what a node says of itself: they are in brackets at the end of its own line.
func isMoving(nodes string) bool {
	for line := range strings.Lines(nodes) {
		if fields := strings.Fields(line); len(fields) > 2 && strings.Contains(fields[2], "myself") {
			return strings.HasPrefix(fields[len(fields)-1], "[")
		}
	}
	return false
}

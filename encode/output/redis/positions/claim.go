package positions

import (
	"crypto/rand"
	"fmt"
	"os"

	"pikabin/encode/output/redis/link"
)

// Claim is what a run has that writes for a source: the name that is in the owner's key. All that it writes watches this key.
type Claim struct {
	Key    string // of the positions
	Source string

	owner    string
	becoming string // what it is to be, or has been
}

// OwnerKey is the key that holds the name of the owner.
func (c *Claim) OwnerKey() string { return c.Key + ownerSuffix }

// Owner is the name that is in it.
func (c *Claim) Owner() string { return c.owner }

// Seize makes this run the owner, whoever was it before, and reads the positions after that.
func (c *Claim) Seize(conn *link.Conn) (*Found, error) {
	c.owner = newOwner()
	if _, err := conn.Do("SET", c.OwnerKey(), c.owner); err != nil {
		return nil, err
	}
	return Read(conn, c.Key)
}

// newOwner is a name that no other run has.
func newOwner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%s/%d/%s", host, os.Getpid(), rand.Text())
}

// Again makes this run the one that writes under a new name, unless another one does: a transaction that is under way on an older connection is
// done by then, or never.
func (c *Claim) Again(conn *link.Conn) error {
	if err := c.watch(conn); err != nil {
		return err
	}
	c.becoming = newOwner()
	if err := c.exec(conn, []any{"SET", c.OwnerKey(), c.becoming}); err != nil {
		return err
	}
	c.owner = c.becoming
	return nil
}

// Put sets fields of the positions.
func (c *Claim) Put(conn *link.Conn, fields ...string) error {
	command := []any{"HSET", c.Key}
	for _, field := range fields {
		command = append(command, field)
	}
	return c.Exec(conn, command)
}

// Exec does commands in one transaction, unless another run has begun.
func (c *Claim) Exec(conn *link.Conn, commands ...[]any) error {
	if err := c.watch(conn); err != nil {
		return err
	}
	return c.exec(conn, commands...)
}

// exec is done only if what is watched has not changed.
func (c *Claim) exec(conn *link.Conn, commands ...[]any) error {
	for _, command := range append([][]any{{"MULTI"}}, commands...) {
		if _, err := conn.Do(command[0].(string), command[1:]...); err != nil {
			return err
		}
	}
	reply, err := conn.Do("EXEC")
	if err == nil && reply == nil {
		err = c.Taken()
	}
	return err
}

// watch watches the key of the owner, which has to be this run.
func (c *Claim) watch(conn *link.Conn) error {
	if _, err := conn.Do("WATCH", c.OwnerKey()); err != nil {
		return err
	}
	reply, err := conn.Do("GET", c.OwnerKey())
	if err != nil {
		return err
	}
	return c.Check(reply)
}

// Check looks at the value of the owner's key, as a reply. It is gone only if the server has lost it.
func (c *Claim) Check(reply any) error {
	switch value, ok := reply.([]byte); {
	case ok && string(value) == c.owner:
		return nil
	case ok && string(value) == c.becoming: // its answer was lost
		c.owner = c.becoming
		return nil
	case reply == nil:
		return &LostError{Key: c.Key}
	}
	return c.Taken()
}

// Taken says that another run writes.
func (c *Claim) Taken() error { return &TakenError{Source: c.Source, Key: c.Key} }

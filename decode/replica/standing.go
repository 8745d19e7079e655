package replica

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"pikabin/decode/replica/chain"
	"pikabin/decode/replica/link"
)

// settleTime is how long a replica that the server counts stays away, after the server's start and where the server has lost all its other
// replicas: as long as we are one, Pika refuses to become a replica of another server, which a fail-over may ask of it.
const settleTime = 30 * time.Second

// standing is how the server stood in its group when the log was attached to.
type standing struct {
	place    string
	others   bool // it had other replicas
	detached time.Time
}

// errAlone is a server that has lost its other replicas.
var errAlone = errors.New("the server has no other replica left: staying away for a while, so that a fail-over may change its role")

// mayAttach says why a log is not to be attached to now.
func (f *follower) mayAttach(look *link.Status) error {
	if f.server.Options.Visible {
		if up := time.Since(look.Started); up < settleTime {
			return fmt.Errorf("the server has been up for %v: staying away for a while, so that a fail-over may change its role", up.Truncate(time.Second))
		}
		if time.Since(f.standing.detached) < settleTime {
			return errAlone
		}
	}
	f.standing.place, f.standing.others = look.Place(), false
	return f.sameGroup(look)
}

// sameGroup compares the group of the server with the one that the log is of. A server has none until it has a replica.
func (f *follower) sameGroup(look *link.Status) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := otherGroup(f.group, look); err != nil {
		return err
	}
	if look.Group != "" {
		f.group = look.Group
	}
	return nil
}

// otherGroup is an *chain.OtherError where a server is of another group than that which a log is of.
func otherGroup(group string, look *link.Status) error {
	if group == "" || look.Group == "" || group == look.Group {
		return nil
	}
	return &chain.OtherError{Reason: fmt.Sprintf("the replication id of %s is %s, and was %s: its servers have another history", look.Host, look.Group, group)}
}

// displaced says whether the server stands otherwise than when the log was attached to, so that its log may be another one.
func (f *follower) displaced(look *link.Status) error {
	if place := look.Place(); place != f.standing.place {
		return fmt.Errorf("the server was %s, and is %s", f.standing.place, place)
	}
	if err := f.sameGroup(look); err != nil || !f.server.Options.Visible {
		return err
	}
	others := f.server.Others(look) > 0
	if f.standing.others && !others {
		f.standing.detached = time.Now()
		return errAlone
	}
	f.standing.others = f.standing.others || others
	return nil
}

// gone explains an answer to who asks for a DB that is not there any more.
func (f *follower) gone(err error) error {
	if _, ok := errors.AsType[*link.RefusedError](err); !ok {
		return err
	}
	look, errLook := f.server.Look(f.ctx)
	if _, there := look.End(f.log.id.DB); errLook != nil || there {
		return err
	}
	return link.Refuse("the server has no DB %s any more, but %s: name with --db those that are to be read on (%v)", f.log.id.DB, strings.Join(DBs(f.server), ", "), err)
}

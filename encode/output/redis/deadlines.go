package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/encode/output/redis/cluster"
	"pikabin/encode/output/redis/link"
	"pikabin/encode/output/redis/settings"
	"pikabin/encode/output/redis/words"
	"pikabin/encode/sink"
)

// A Redis removes a key by its own clock, at once if the deadline has passed. The log may give the key a later one a few records on, or none, and
// then Pika kept it. So deadlines are held, see sink.Env: they are as far in the future that no key goes. Once the log has come to its end they are put into effect, by a
// walk over all keys, and those of later events with these. While the log grows that is so when its events are of the present.
//
// A key that has been given a deadline since is passed over by the walk, in whatever order things happen.

const (
	// present is how old an event may be that is of the present, and past is how old one is that is not any more.
	present = 10 * time.Second
	past    = time.Minute

	// quiet is how long nothing may have come until what has come is taken for all there is.
	quiet = 5 * time.Second

	// keysAtOnce is how many keys a script takes, so that a server is not kept from others for long.
	keysAtOnce = 500
)

// landScript puts the deadline of a key into effect: 1 is what it was put off by.
const landScript = "local function land(k) local t=redis.call('PEXPIRETIME',k) if t>=tonumber(ARGV[1]) then " +
	"redis.call('PEXPIREAT',k,string.format('%.0f',t-ARGV[1])) end end "

const (
	// landKeys does it for keys, and landSome for some of all keys, from a cursor on: it gives the next one.
	landKeys = landScript + "for _,k in ipairs(KEYS) do land(k) end"
	landSome = landScript + "local r=redis.call('SCAN',ARGV[2],'COUNT',1000) for _,k in ipairs(r[2]) do land(k) end return r[1]"
)

// deadlines knows which ones are in effect.
type deadlines struct {
	held int64 // what they are put off by; 0: they are not
	hold bool  // they are to stay held
	live bool
	o    *settings.Options

	cluster bool // a script takes keys of one slot alone

	mu       sync.Mutex
	dbs      []int     // of the server
	waiting  bool      // some are to be put into effect
	current  bool      // those of what comes are at once
	underWay int       // units that are not delivered, and whose deadlines are held
	last     time.Time // when something came
}

func newDeadlines(o *settings.Options, e *sink.Env) *deadlines {
	d := &deadlines{held: e.Held, hold: o.Hold, live: e.Live, o: o, last: time.Now()}
	for _, name := range e.DBs {
		if db, err := o.NumberOf(name); err == nil {
			d.takeUp(db)
		}
	}
	return d
}

// takeUp takes up a DB of the server.
func (d *deadlines) takeUp(db int) {
	if !slices.Contains(d.dbs, db) {
		d.dbs = append(d.dbs, db)
	}
}

// targets are the DBs of the server that the log's go to.
func (d *deadlines) targets() []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.dbs)
}

// take decides about the deadlines of a unit.
func (d *deadlines) take(u *unit, now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.takeUp(u.db)
	d.last = now
	if d.held == 0 {
		return
	}
	if at, ok := timeOf(u); ok && d.live && !d.hold {
		age := now.Sub(at)
		d.current = age < present || d.current && age < past
	}
	if d.current {
		u.due = d.appendLanding(nil, u)
		return
	}
	u.held, d.waiting = true, true
	d.underWay++
}

// timeOf is the time of the last event that has one.
func timeOf(u *unit) (time.Time, bool) {
	for _, m := range slices.Backward(u.messages) {
		if m.HasTime {
			return time.Unix(m.Time, 0), true
		}
	}
	return time.Time{}, false
}

// appendLanding appends what puts the deadlines of a unit's keys into effect.
func (d *deadlines) appendLanding(dst []byte, u *unit) []byte {
	keys := map[int][]string{} // by slot, or of any slot
	var slots []int
	seen := map[string]bool{}
	for _, m := range u.messages {
		if !m.HasKey || m.Op == decode.OpDelete {
			continue
		}
		if key := string(u.batch.Keys[m.KeyBegin:m.KeyEnd]); !seen[key] {
			seen[key] = true
			slot := d.slotOf(key)
			if keys[slot] == nil {
				slots = append(slots, slot)
			}
			keys[slot] = append(keys[slot], key)
		}
	}
	for _, slot := range slots {
		for some := range slices.Chunk(keys[slot], keysAtOnce) {
			dst = words.Append(dst, append(append([]string{"EVAL", landKeys, strconv.Itoa(len(some))}, some...), strconv.FormatInt(d.held, 10))...)
		}
	}
	return dst
}

// slotOf parts keys by what one script may take.
func (d *deadlines) slotOf(key string) int {
	if d.cluster {
		return cluster.Slot([]byte(key))
	}
	return 0
}

// delivered is told of a unit that the server has answered.
func (d *deadlines) delivered(u *unit) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if u.held {
		d.underWay--
	}
}

// due begins a walk if it is time for one: none of the deadlines that are held is under way any more, and those of what comes are not held.
func (d *deadlines) due(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.underWay > 0 || d.hold || d.held == 0 {
		return false
	}
	d.current = d.current || now.Sub(d.last) > quiet
	due := d.current && d.waiting
	d.waiting = d.waiting && !due
	return due
}

// owed begins a walk at the end of all, if there is something to do.
func (d *deadlines) owed() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	owed := d.waiting && d.held != 0
	d.waiting = d.waiting && d.hold
	return owed
}

// landEach puts deadlines into effect while the log grows.
func (s *replay) landEach() {
	if !s.deadlines.live || s.deadlines.held == 0 {
		return
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case now := <-tick.C:
			if s.deadlines.due(now) {
				s.walk()
			}
		case <-s.over:
			return
		case <-s.life.Done():
			return
		}
	}
}

// landAtEnd puts deadlines into effect if all that was to be read has been delivered.
func (s *replay) landAtEnd() error {
	d := s.deadlines
	switch {
	case !d.owed():
	case d.hold:
		s.monitor.Warn("redis: deadlines are held (deadlines=hold): no key goes before a run without that option has come to its end")
	case !s.all && !d.current:
		d.again()
		s.monitor.Warn("redis: deadlines are held, since the run ended before its end: they are in effect once one has come to its end")
	default:
		s.walk()
	}
	return s.failed()
}

// again notes that a walk has not come to its end.
func (d *deadlines) again() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = true
}

// lost notes that some that were in effect may not be any more.
func (d *deadlines) lost() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = d.waiting || d.current
}

// walk puts all deadlines into effect, and begins anew until it succeeds.
func (s *replay) walk() {
	for {
		err := s.walkOnce(s.life)
		if err == nil {
			s.patience.Over()
			return
		}
		if !link.Passes(err) || s.patience.Wait(s.life, err) != nil {
			s.deadlines.again()
			s.fail(fmt.Errorf("putting deadlines into effect: %w", err))
			return
		}
	}
}

func (s *replay) walkOnce(ctx context.Context) error {
	if s.facts.Cluster {
		return s.walkNodes(ctx)
	}
	conn, err := s.dialer.Dial(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, db := range s.deadlines.targets() {
		if err := walkDB(conn, db, s.deadlines.held); err != nil {
			return err
		}
	}
	if s.landed != nil {
		return s.landed(ctx, conn)
	}
	return nil
}

// walkNodes walks over the keys of all masters, of which the run's session has connections of its own.
func (s *replay) walkNodes(ctx context.Context) error {
	nodes, err := s.openNodes(ctx, func(*link.Conn, string) error { return nil })
	if err != nil {
		return err
	}
	defer nodes.Close()
	return nodes.Steadily(ctx, func(address string, conn *link.Conn) error {
		if err := walkDB(conn, 0, s.deadlines.held); err != nil {
			return err
		}
		return nodes.Kept(ctx, address, conn)
	})
}

func walkDB(conn *link.Conn, db int, held int64) error {
	if _, err := conn.Do("SELECT", db); err != nil {
		return err
	}
	for cursor := "0"; ; {
		reply, err := conn.Do("EVAL", landSome, 0, held, cursor)
		if err != nil {
			return err
		}
		next, ok := reply.([]byte)
		if !ok {
			return fmt.Errorf("EVAL: the reply is a %T", reply)
		}
		if cursor = string(next); cursor == "0" {
			return nil
		}
	}
}

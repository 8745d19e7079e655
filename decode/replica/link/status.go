package link

import (
	"fmt"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/decode/replica/ask"
)

// Status is what a server says of itself.
type Status struct {
	Host     string // that has said it
	Version  Version
	RunID    string    // of its process, from 3.5
	Started  time.Time // of its process
	FileSize int64     // of a segment
	Role     string
	Master   string // that it copies; empty: none
	Group    string // the replication id that all servers of a group have, from 3.5.1; empty: it has none yet
	Replicas []string
	DBs      []ask.DB
	At       time.Time // before it was asked
}

// learn takes what can change, from the section replication.
func (l *Status) learn(f ask.Fields, at time.Time) {
	l.Role, l.Group, l.DBs, l.Replicas, l.Master, l.At = f.Get("role"), f.Get("ReplicationID"), f.DBs(), f.Replicas(), "", at
	if host := f.Get("master_host"); host != "" {
		l.Master = host + ":" + f.Get("master_port")
	}
}

// End is how far a DB goes.
func (l *Status) End(db string) (decode.Position, bool) {
	i := slices.IndexFunc(l.DBs, func(d ask.DB) bool { return d.Name == db })
	if i < 0 {
		return decode.Position{}, false
	}
	return l.DBs[i].End, true
}

// Place is what a server is in its group. Where that changes, its log may have become another one.
func (l *Status) Place() string {
	place := l.Role + " at " + l.Host
	if l.Master != "" {
		place += " of " + l.Master
	}
	return place
}

// tell says what has changed between two looks. errs are those of the hosts that did not answer.
func (s *Server) tell(before, now *Status, errs error) {
	switch {
	case before.Host == "":
	case before.Host != now.Host:
		why := "the log of " + before.Host + " does not go so far"
		if errs != nil {
			why = errs.Error()
		}
		s.Options.Note(now.Host, "this server is read now: "+why)
	case before.Place() != now.Place():
		s.Options.Note(now.Host, fmt.Sprintf("the server was %s, and is %s", before.Place(), now.Place()))
	case before.RunID != now.RunID:
		s.Options.Note(now.Host, "the server was started again")
	}
}

package pikakeys

import (
	"maps"
	"slices"
	"strings"
)

// onSets are the commands of sets.
var onSets = map[string]command{
	"sadd": (*Server).sadd, "srem": (*Server).srem, "smove": (*Server).smove, "spop": (*Server).spop,
	"sunionstore": (*Server).sstore, "sinterstore": (*Server).sstore, "sdiffstore": (*Server).sstore,
}

func (s *Server) sadd(argv []string) {
	k := s.make("set", argv[1])
	for _, member := range argv[2:] {
		k.Items[member] = ""
	}
	s.log(argv...)
}

// remove takes items from a key.
func (s *Server) remove(kind, name string, items ...string) {
	if k := s.get(kind, name); k != nil {
		for _, item := range items {
			delete(k.Items, item)
		}
		s.tidy(k, name)
	}
}

func (s *Server) srem(argv []string) {
	s.remove("set", argv[1], argv[2:]...)
	s.log(argv...)
}

func (s *Server) smove(argv []string) {
	from, member := s.get("set", argv[1]), argv[3]
	does := false
	if from != nil {
		_, does = from.Items[member]
	}
	if does {
		s.remove("set", argv[1], member)
		s.make("set", argv[2]).Items[member] = ""
	}
	switch {
	case !s.Version.from("3.5.0"):
		s.log(argv...)
	case does:
		s.log("srem", argv[1], member)
		s.log("sadd", argv[2], member)
	}
}

// spop is for the versions that log which member went.
func (s *Server) spop(argv []string) {
	if k := s.full("set", argv[1]); k != nil && s.Version.from("3.5.4") {
		member := slices.Min(slices.Collect(maps.Keys(k.Items)))
		s.remove("set", argv[1], member)
		s.log("srem", argv[1], member)
	}
}

// sstore keeps the deadline of its destination in Pika 2.
func (s *Server) sstore(argv []string) {
	result := map[string]string{}
	for i, name := range argv[2:] {
		items := map[string]string{}
		if k := s.get("set", name); k != nil {
			items = k.Items
		}
		switch word := strings.ToLower(argv[0]); {
		case i == 0 || word == "sunionstore":
			maps.Copy(result, items)
		case word == "sinterstore":
			maps.DeleteFunc(result, func(member, _ string) bool { _, in := items[member]; return !in })
		default:
			maps.DeleteFunc(result, func(member, _ string) bool { _, in := items[member]; return in })
		}
	}
	s.store("set", argv, result, func() {
		if len(result) > 0 {
			s.log(append([]string{"sadd", argv[1]}, slices.Sorted(maps.Keys(result))...)...)
		}
	})
}

// store replaces a destination with a result. since35 logs what was added to it where the destination was deleted before.
func (s *Server) store(kind string, argv []string, result map[string]string, since35 func()) {
	var expires int64
	if k := s.get(kind, argv[1]); k != nil && s.old() {
		expires = k.Expires
	}
	k := &Key{Type: kind, Items: result, Expires: expires}
	s.keys[kind+" "+argv[1]] = k
	s.tidy(k, argv[1])
	if s.Version.from("3.5.0") {
		s.log("del", argv[1])
		since35()
	} else {
		s.log(argv...)
	}
}

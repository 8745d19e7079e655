// Package pikakeys is a Pika of any version that holds keys in memory: it runs commands as that version does, and says what it logs for
// them. It is test support, and shares no code with what it tests. Which version does what was read from the servers' code and seen on
// real servers: doc comments name the quirks. Each type has keys of its own in it, as in Pika before 4.0; commands that real servers refuse are
// refused.
package pikakeys

import (
	"slices"
	"strconv"
	"strings"
)

// Version is a release of Pika.
type Version struct{ major, minor, patch int }

// V makes a version of its name, such as 3.2.9.
func V(name string) Version {
	var v [3]int
	for i, part := range strings.SplitN(name, ".", 3) {
		v[i], _ = strconv.Atoi(part)
	}
	return Version{v[0], v[1], v[2]}
}

// from reports whether a version is another or a later one.
func (v Version) from(name string) bool {
	w := V(name)
	return slices.Compare([]int{v.major, v.minor, v.patch}, []int{w.major, w.minor, w.patch}) >= 0
}

// between reports whether a version is one from first to last.
func (v Version) between(first, last string) bool {
	w := V(last)
	return v.from(first) && slices.Compare([]int{v.major, v.minor, v.patch}, []int{w.major, w.minor, w.patch}) <= 0
}

// Key is what a name holds in one type.
type Key struct {
	Type    string
	Text    string            // of a string
	Items   map[string]string // fields of a hash, members of a set, members of a sorted set with their scores
	List    []string          // items of a list, ids of a stream
	Expires int64             // unix milliseconds, 0: never
}

// Server runs commands.
type Server struct {
	Version Version
	Now     int64 // unix seconds
	keys    map[string]*Key
	logged  []Record
	forms   []string // of Random
}

// Record is what is in the log together: MSET of some versions has several commands.
type Record [][]string

// New makes a server without keys.
func New(version string, now int64) *Server {
	return &Server{Version: V(version), Now: now, keys: map[string]*Key{}, forms: formsOf(V(version))}
}

// old is Pika 2, which keeps what it knows of a collection when its last element goes.
func (s *Server) old() bool { return !s.Version.from("3.0.0") }

// Do runs a command and gives what is logged for it.
func (s *Server) Do(argv ...string) []Record {
	s.logged = nil
	for _, commands := range []map[string]command{onStrings, onNames, onCollections, onSets, onZsets, onStreams} {
		if c, ok := commands[strings.ToLower(argv[0])]; ok {
			c(s, argv)
		}
	}
	return s.logged
}

// command runs, and logs what it did.
type command func(s *Server, argv []string)

// log logs a record of one command.
func (s *Server) log(argv ...string) { s.logged = append(s.logged, Record{argv}) }

// Keys gives all keys that have not expired, by type and name.
func (s *Server) Keys() map[string]*Key {
	keys := map[string]*Key{}
	for name, key := range s.keys {
		kind, name, _ := strings.Cut(name, " ")
		if k := s.get(kind, name); k != nil && !k.empty() {
			keys[name] = key
		}
	}
	return keys
}

// Find gives what a name holds that has one type, nil if nothing.
func (s *Server) Find(name string) *Key {
	for _, kind := range types() {
		if k := s.full(kind, name); k != nil {
			found := *k
			return &found
		}
	}
	return nil
}

func (k *Key) empty() bool {
	return k.Type != "string" && len(k.Items)+len(k.List) == 0
}

// get gives a key that is there and has not expired.
func (s *Server) get(kind, name string) *Key {
	k := s.keys[kind+" "+name]
	if k == nil || k.Expires != 0 && k.Expires < s.Now*1000 {
		delete(s.keys, kind+" "+name)
		return nil
	}
	return k
}

// full gives a key that holds something.
func (s *Server) full(kind, name string) *Key {
	if k := s.get(kind, name); k != nil && !k.empty() {
		return k
	}
	return nil
}

// make gives a key, a new one if there is none.
func (s *Server) make(kind, name string) *Key {
	k := s.get(kind, name)
	if k == nil {
		k = &Key{Type: kind, Items: map[string]string{}}
		s.keys[kind+" "+name] = k
	}
	return k
}

// tidy forgets a key that holds nothing, where the version does.
func (s *Server) tidy(k *Key, name string) {
	if k != nil && k.empty() && !s.old() {
		delete(s.keys, k.Type+" "+name)
	}
}

// types are those that a name can have.
func types() []string { return []string{"string", "hash", "list", "set", "zset", "stream"} }

// delete deletes a name in all types.
func (s *Server) delete(name string) {
	for _, kind := range types() {
		delete(s.keys, kind+" "+name)
	}
}

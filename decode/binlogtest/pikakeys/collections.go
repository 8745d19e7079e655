package pikakeys

import (
	"slices"
	"strconv"
	"strings"
)

// onCollections are the commands of hashes and lists.
var onCollections = map[string]command{
	"hset": (*Server).hset, "hmset": (*Server).hset, "hsetnx": (*Server).hsetnx, "hdel": (*Server).hdel, "hincrby": (*Server).hincrby,
	"lpush": (*Server).push, "rpush": (*Server).push, "lpushx": (*Server).push, "rpushx": (*Server).push,
	"lpop": (*Server).pop, "rpop": (*Server).pop, "linsert": (*Server).linsert, "lset": (*Server).lset, "lrem": (*Server).lrem,
	"ltrim": (*Server).ltrim, "rpoplpush": (*Server).rpoplpush,
}

func (s *Server) hset(argv []string) {
	k := s.make("hash", argv[1])
	for i := 2; i < len(argv); i += 2 {
		k.Items[argv[i]] = argv[i+1]
	}
	s.log(argv...)
}

// hsetnx drops the deadline in Pika 2, where it sets.
func (s *Server) hsetnx(argv []string) {
	k := s.make("hash", argv[1])
	if _, there := k.Items[argv[2]]; !there {
		k.Items[argv[2]] = argv[3]
		if s.old() {
			k.Expires = 0
		}
	}
	s.log(argv...)
}

// hdel drops the deadline in Pika 2, where it deletes.
func (s *Server) hdel(argv []string) {
	if k := s.get("hash", argv[1]); k != nil {
		before := len(k.Items)
		for _, field := range argv[2:] {
			delete(k.Items, field)
		}
		if s.old() && len(k.Items) < before {
			k.Expires = 0
		}
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

func (s *Server) hincrby(argv []string) {
	by, _ := strconv.Atoi(argv[3])
	n := 0
	if k := s.get("hash", argv[1]); k != nil {
		if text, there := k.Items[argv[2]]; there {
			var err error
			if n, err = strconv.Atoi(text); err != nil {
				return // is refused
			}
		}
	}
	s.make("hash", argv[1]).Items[argv[2]] = strconv.Itoa(n + by)
	s.log(argv...)
}

func (s *Server) push(argv []string) {
	word := strings.ToLower(argv[0])
	if strings.HasSuffix(word, "x") && s.full("list", argv[1]) == nil {
		s.log(argv...)
		return
	}
	k := s.make("list", argv[1])
	for _, item := range argv[2:] {
		if word[0] == 'l' {
			k.List = slices.Insert(k.List, 0, item)
		} else {
			k.List = append(k.List, item)
		}
	}
	s.log(argv...)
}

func (s *Server) pop(argv []string) {
	n := 1
	if len(argv) > 2 {
		n, _ = strconv.Atoi(argv[2])
	}
	if k := s.get("list", argv[1]); k != nil {
		n = min(n, len(k.List))
		if strings.EqualFold(argv[0], "lpop") {
			k.List = k.List[n:]
		} else {
			k.List = k.List[:len(k.List)-n]
		}
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

func (s *Server) linsert(argv []string) {
	if k := s.get("list", argv[1]); k != nil {
		if at := slices.Index(k.List, argv[3]); at >= 0 {
			if strings.EqualFold(argv[2], "after") {
				at++
			}
			k.List = slices.Insert(k.List, at, argv[4])
		}
	}
	s.log(argv...)
}

func (s *Server) lset(argv []string) {
	k := s.full("list", argv[1])
	if k == nil {
		return // is refused
	}
	at, _ := strconv.Atoi(argv[2])
	if at < 0 {
		at += len(k.List)
	}
	if at < 0 || at >= len(k.List) {
		return // is refused
	}
	k.List[at] = argv[3]
	s.log(argv...)
}

// lrem removes from the tail where the count is negative, and all where it is 0.
func (s *Server) lrem(argv []string) {
	if k := s.get("list", argv[1]); k != nil {
		count, _ := strconv.Atoi(argv[2])
		left, back := count, count < 0
		if back {
			left = -count
			slices.Reverse(k.List)
		}
		k.List = slices.DeleteFunc(k.List, func(item string) bool {
			if item != argv[3] || count != 0 && left == 0 {
				return false
			}
			left--
			return true
		})
		if back {
			slices.Reverse(k.List)
		}
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

func (s *Server) ltrim(argv []string) {
	if k := s.get("list", argv[1]); k != nil {
		first, last := span(argv[2], argv[3], len(k.List))
		k.List = k.List[first:last]
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

// span is a range of indexes, of which negative ones count from the end, as a half-open one.
func span(from, to string, n int) (first, last int) {
	first, _ = strconv.Atoi(from)
	last, _ = strconv.Atoi(to)
	if first < 0 {
		first += n
	}
	if last < 0 {
		last += n
	}
	first, last = max(first, 0), min(last+1, n)
	if first >= last {
		return 0, 0
	}
	return first, last
}

// rpoplpush drops the deadline of its source in Pika 2.
func (s *Server) rpoplpush(argv []string) {
	from := s.full("list", argv[1])
	if from != nil {
		item := from.List[len(from.List)-1]
		from.List = from.List[:len(from.List)-1]
		if s.old() {
			from.Expires = 0
		}
		if argv[1] != argv[2] {
			s.tidy(from, argv[1])
		}
		to := s.make("list", argv[2])
		to.List = slices.Insert(to.List, 0, item)
		if s.Version.from("3.5.0") {
			s.log("RPOP", argv[1])
			s.log("LPUSH", argv[2], item)
		}
	}
	if !s.Version.from("3.5.0") {
		s.log(argv...)
	}
}

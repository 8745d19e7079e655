package pikakeys

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// onZsets are the commands of sorted sets. Scores are such that a float64 holds them exactly.
var onZsets = map[string]command{
	"zadd": (*Server).zadd, "zincrby": (*Server).zincrby, "zrem": (*Server).zrem, "zremrangebyrank": (*Server).zremByRank,
	"zremrangebyscore": (*Server).zremByScore, "zremrangebylex": (*Server).zremByLex, "zpopmin": (*Server).zpop, "zpopmax": (*Server).zpop,
	"zunionstore": (*Server).zstore, "zinterstore": (*Server).zstore,
}

// zadd takes the first score of a member that is named twice since 3.0.
func (s *Server) zadd(argv []string) {
	k, named := s.make("zset", argv[1]), map[string]bool{}
	for i := 2; i < len(argv); i += 2 {
		if member := argv[i+1]; !named[member] || s.old() {
			k.Items[member] = argv[i]
			named[member] = true
		}
	}
	s.log(argv...)
}

func score(text string) float64 {
	f, _ := strconv.ParseFloat(text, 64)
	return f
}

func scoreText(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (s *Server) zincrby(argv []string) {
	k := s.make("zset", argv[1])
	k.Items[argv[3]] = scoreText(score(k.Items[argv[3]]) + score(argv[2]))
	s.log(argv...)
}

func (s *Server) zrem(argv []string) {
	s.remove("zset", argv[1], argv[2:]...)
	s.log(argv...)
}

// ranked are the members by score, and those of one score by name.
func ranked(items map[string]string) []string {
	return slices.SortedFunc(maps.Keys(items), func(a, b string) int {
		return cmp.Or(cmp.Compare(score(items[a]), score(items[b])), cmp.Compare(a, b))
	})
}

func (s *Server) zremByRank(argv []string) {
	if k := s.get("zset", argv[1]); k != nil {
		first, last := span(argv[2], argv[3], len(k.Items))
		s.remove("zset", argv[1], ranked(k.Items)[first:last]...)
	}
	s.log(argv...)
}

func (s *Server) zpop(argv []string) {
	n := 1
	if len(argv) > 2 {
		n, _ = strconv.Atoi(argv[2])
	}
	if k := s.get("zset", argv[1]); k != nil {
		members := ranked(k.Items)
		if strings.EqualFold(argv[0], "zpopmax") {
			slices.Reverse(members)
		}
		s.remove("zset", argv[1], members[:min(n, len(members))]...)
	}
	s.log(argv...)
}

// bound is an end of a range, such as 5 and (5, or [a and (a.
func bound(text string) (value string, open bool) {
	value, open = strings.CutPrefix(text, "(")
	return strings.TrimPrefix(value, "["), open
}

func (s *Server) zremByScore(argv []string) {
	low, lowOpen := bound(argv[2])
	high, highOpen := bound(argv[3])
	s.zremWhere(argv, func(_, text string) bool {
		f := score(text)
		return (f > score(low) || f == score(low) && !lowOpen) && (f < score(high) || f == score(high) && !highOpen)
	})
}

// zremByLex takes all members of the range, whatever their scores are.
func (s *Server) zremByLex(argv []string) {
	low, lowOpen := bound(argv[2])
	high, highOpen := bound(argv[3])
	s.zremWhere(argv, func(member, _ string) bool {
		above := low == "-" || member > low || member == low && !lowOpen
		return above && (high == "+" || member < high || member == high && !highOpen)
	})
}

func (s *Server) zremWhere(argv []string, in func(member, score string) bool) {
	if k := s.get("zset", argv[1]); k != nil {
		maps.DeleteFunc(k.Items, in)
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

// zstore sums up, has weights, and keeps the deadline of its destination in Pika 2. There an intersection of one set stores nothing.
func (s *Server) zstore(argv []string) {
	n, _ := strconv.Atoi(argv[2])
	inter := strings.EqualFold(argv[0], "zinterstore")
	if s.old() && inter && n == 1 {
		s.log(argv...)
		return
	}
	result := map[string]string{}
	for i, name := range argv[3 : 3+n] {
		weight := 1.0
		if len(argv) > 3+n {
			weight = score(argv[4+n+i])
		}
		items := map[string]string{}
		if k := s.get("zset", name); k != nil {
			items = k.Items
		}
		if inter && i > 0 {
			maps.DeleteFunc(result, func(member, _ string) bool { _, in := items[member]; return !in })
		}
		for member, text := range items {
			if _, there := result[member]; there || !inter || i == 0 {
				result[member] = scoreText(score(result[member]) + weight*score(text))
			}
		}
	}
	s.store("zset", argv, result, func() {
		added := []string{"zadd", argv[1]}
		for _, member := range slices.Sorted(maps.Keys(result)) {
			added = append(added, result[member], member)
		}
		if len(added) > 2 {
			s.log(added...)
		}
	})
}

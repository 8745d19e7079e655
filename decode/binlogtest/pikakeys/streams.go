package pikakeys

import (
	"slices"
	"strconv"
	"strings"
)

// onStreams are the commands of streams, which came with 3.5.3. An entry is its id; ids are such that they sort as text.
var onStreams = map[string]command{"xadd": (*Server).xadd, "xdel": (*Server).xdel, "xtrim": (*Server).xtrim}

// xadd has an id that is higher than all before, unless the stream has no entries: then any will do.
func (s *Server) xadd(argv []string) {
	at := 2
	if strings.EqualFold(argv[2], "nomkstream") {
		if at++; s.full("stream", argv[1]) == nil {
			s.log(argv...)
			return
		}
	}
	trim := argv[at:at]
	if strings.EqualFold(argv[at], "maxlen") || strings.EqualFold(argv[at], "minid") {
		end := at + 2
		if argv[at+1] == "~" {
			end++
		}
		if strings.EqualFold(argv[end], "limit") {
			end += 2
		}
		trim, at = argv[at:end], end
	}
	k := s.full("stream", argv[1])
	if k != nil && argv[at] <= k.Text {
		return // is refused
	}
	k = s.make("stream", argv[1])
	k.List, k.Text = append(k.List, argv[at]), argv[at]
	k.trim(trim)
	s.tidy(k, argv[1])
	s.log(argv...)
}

// trim is exact, with ~ and LIMIT too.
func (k *Key) trim(args []string) {
	if len(args) == 0 {
		return
	}
	limit := args[1]
	if limit == "~" {
		limit = args[2]
	}
	if strings.EqualFold(args[0], "minid") {
		k.List = slices.DeleteFunc(k.List, func(id string) bool { return id < limit })
		return
	}
	n, _ := strconv.Atoi(limit)
	k.List = k.List[max(0, len(k.List)-n):]
}

func (s *Server) xdel(argv []string) {
	if k := s.get("stream", argv[1]); k != nil {
		k.List = slices.DeleteFunc(k.List, func(id string) bool { return slices.Contains(argv[2:], id) })
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

func (s *Server) xtrim(argv []string) {
	if k := s.get("stream", argv[1]); k != nil {
		k.trim(argv[2:])
		s.tidy(k, argv[1])
	}
	s.log(argv...)
}

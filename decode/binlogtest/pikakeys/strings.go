package pikakeys

import (
	"slices"
	"strconv"
	"strings"
)

// onStrings are the commands of strings but those that set one.
var onStrings = map[string]command{
	"append": (*Server).append, "setrange": (*Server).setrange, "setbit": (*Server).setbit, "bitop": (*Server).bitop,
	"incr": (*Server).incr, "incrby": (*Server).incr, "decr": (*Server).incr, "decrby": (*Server).incr, "incrbyfloat": (*Server).incrbyfloat,
}

// rewritten logs a string that was changed as 3.5.5 and 4.0.1 do: with the deadline, or in 3.5.5 without it.
func (s *Server) rewritten(k *Key, name string) {
	deadline := k.Expires / 1000
	k.Expires = deadline * 1000 // as far as the log says
	if s.Version == V("3.5.5") {
		deadline = 0
	}
	s.log("pksetexat", name, strconv.FormatInt(deadline, 10), k.Text)
}

func (s *Server) rewrites() bool {
	return s.Version.between("3.5.5", "3.9.9") || s.Version.from("4.0.1")
}

// append adds to a string. What 3.5.5 and 4.0.1 log for a new one is no value at all, and so that is not done here.
func (s *Server) append(argv []string) {
	k := s.get("string", argv[1])
	if k == nil && s.rewrites() {
		return
	}
	k = s.make("string", argv[1])
	k.Text += argv[2]
	if s.rewrites() {
		s.rewritten(k, argv[1])
	} else {
		s.log(argv...)
	}
}

// setrange drops the deadline in 3.0 to 3.4.
func (s *Server) setrange(argv []string) {
	at, _ := strconv.Atoi(argv[2])
	k := s.make("string", argv[1])
	text := []byte(k.Text)
	if missing := at + len(argv[3]) - len(text); missing > 0 {
		text = append(text, make([]byte, missing)...)
	}
	copy(text[at:], argv[3])
	k.Text = string(text)
	if s.Version.between("3.0.0", "3.4.9") {
		k.Expires = 0
	}
	s.log(argv...)
}

// setbit does nothing where it changes no bit, not even to the length. Else it drops the deadline before 3.5.
func (s *Server) setbit(argv []string) {
	at, _ := strconv.Atoi(argv[2])
	var text []byte
	if k := s.get("string", argv[1]); k != nil {
		text = []byte(k.Text)
	}
	mask := byte(0x80) >> (at % 8)
	if was := at/8 < len(text) && text[at/8]&mask != 0; was != (argv[3] == "1") {
		if missing := at/8 + 1 - len(text); missing > 0 {
			text = append(text, make([]byte, missing)...)
		}
		text[at/8] ^= mask
		k := s.make("string", argv[1])
		k.Text = string(text)
		if !s.Version.from("3.5.0") {
			k.Expires = 0
		}
	}
	s.log(argv...)
}

// bitop makes an empty string of nothing.
func (s *Server) bitop(argv []string) {
	var sources []string
	longest := 0
	for _, name := range argv[3:] {
		text := ""
		if k := s.get("string", name); k != nil {
			text = k.Text
		}
		sources, longest = append(sources, text), max(longest, len(text))
	}
	result := make([]byte, longest)
	for i := range result {
		result[i] = bit(strings.ToLower(argv[1]), sources, i)
	}
	s.keys["string "+argv[2]] = &Key{Type: "string", Text: string(result)}
	if s.Version.from("3.5.0") {
		s.log("set", argv[2], string(result))
	} else {
		s.log(argv...)
	}
}

// bit computes one byte.
func bit(op string, sources []string, i int) byte {
	at := func(text string) byte {
		if i < len(text) {
			return text[i]
		}
		return 0
	}
	result := at(sources[0])
	for _, text := range sources[1:] {
		switch op {
		case "and":
			result &= at(text)
		case "or":
			result |= at(text)
		default:
			result ^= at(text)
		}
	}
	if op == "not" {
		return ^result
	}
	return result
}

// incr keeps the deadline. Servers since 3.0 take an empty string for 0, and +007 for 7.
func (s *Server) incr(argv []string) {
	by := int64(1)
	if len(argv) > 2 {
		by, _ = strconv.ParseInt(argv[2], 10, 64)
	}
	down := strings.HasPrefix(strings.ToLower(argv[0]), "decr")
	if down {
		by = -by
	}
	var n int64
	if k := s.get("string", argv[1]); k != nil {
		var err error
		if n, err = s.integer(k.Text); err != nil {
			return
		}
	}
	k := s.make("string", argv[1])
	k.Text = strconv.FormatInt(n+by, 10)
	switch {
	case s.Version.between("2.3.0", "2.3.7") || s.Version.between("3.0.0", "3.0.12") || s.Version.between("3.1.0", "3.2.3"):
		s.logSet(k, argv[1])
	case s.rewrites() && !down:
		s.rewritten(k, argv[1])
	default:
		s.log(argv...)
	}
}

// logSet logs a string as SET does, which says that there is no deadline: so it must not have one here.
func (s *Server) logSet(k *Key, name string) {
	k.Expires = 0
	s.log("set", name, k.Text)
}

func (s *Server) integer(text string) (int64, error) {
	if text == "" && !s.old() {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if s.old() && err == nil && strconv.FormatInt(n, 10) != text {
		err = strconv.ErrSyntax
	}
	return n, err
}

// incrbyfloat is for numbers that a float64 holds exactly.
func (s *Server) incrbyfloat(argv []string) {
	by, _ := strconv.ParseFloat(argv[2], 64)
	var n float64
	if k := s.get("string", argv[1]); k != nil {
		var err error
		if n, err = strconv.ParseFloat(k.Text, 64); err != nil || slices.Contains([]string{"inf", "nan"}, k.Text) {
			return
		}
	}
	k := s.make("string", argv[1])
	k.Text = strconv.FormatFloat(n+by, 'f', -1, 64)
	switch {
	case s.Version.between("2.3.0", "2.3.7") || s.Version.between("3.0.0", "3.0.12") || s.Version.between("3.1.0", "3.2.3"):
		s.logSet(k, argv[1])
	case s.rewrites():
		s.rewritten(k, argv[1])
	default:
		s.log(argv...)
	}
}

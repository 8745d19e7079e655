package pikakeys

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// onNames are the commands that set a string, and those of all types.
var onNames = map[string]command{
	"set": (*Server).set, "setex": (*Server).setex, "psetex": (*Server).setex, "pksetexat": (*Server).pksetexat, "setnx": (*Server).setnx,
	"getset": (*Server).getset, "mset": (*Server).mset, "msetnx": (*Server).mset, "delvx": (*Server).delvx, "del": (*Server).del,
	"expire": (*Server).expire, "pexpire": (*Server).expire, "expireat": (*Server).expire, "pexpireat": (*Server).expire,
	"persist": (*Server).persist, "pkpatternmatchdel": (*Server).patternDel, "flushdb": (*Server).flushdb,
}

// put sets a string, and only that: other types of the name stay before 4.0.
func (s *Server) put(name, text string, expires int64) {
	if s.Version.from("4.0.0") {
		s.delete(name)
	}
	s.keys["string "+name] = &Key{Type: "string", Text: text, Expires: expires}
}

// life is a time to live in milliseconds. Servers before 4.0 count in seconds.
func (s *Server) life(number string, millis bool) int64 {
	n, _ := strconv.ParseInt(number, 10, 64)
	switch {
	case !millis:
		return n * 1000
	case s.Version.from("4.0.0"):
		return n
	}
	return n / 1000 * 1000
}

// optionLife is the life of a SET with NX, XX or VX, as far as the log says: 3.5 counts in seconds, too, but its log looks like that of 4.0.
func (s *Server) optionLife(number string, millis bool) int64 {
	if s.Version.from("3.5.0") && millis {
		n, _ := strconv.ParseInt(number, 10, 64)
		return n
	}
	return s.life(number, millis)
}

// seconds is a deadline as most versions log it.
func seconds(expires int64) string { return strconv.FormatInt(expires/1000, 10) }

// set has NX, XX, VX, EX and PX. With the first three it is logged as it was sent, else with a deadline.
func (s *Server) set(argv []string) {
	name, text := argv[1], argv[2]
	var expires int64
	condition, compared, timed := "", "", false
	for i := 3; i < len(argv); i++ {
		switch word := strings.ToLower(argv[i]); word {
		case "nx", "xx":
			condition = word
		case "vx":
			condition, compared = word, argv[i+1]
			i++
		default:
			if life := s.optionLife(argv[i+1], word == "px"); life > 0 {
				expires = s.Now*1000 + life
			}
			i, timed = i+1, true
		}
	}
	if timed && condition == "" && (expires == 0 || expires/1000 == s.Now) && s.Version.between("3.0.8", "3.9.9") {
		return // is refused, where the versions before set no deadline
	}
	k := s.get("string", name)
	there := k != nil || s.Version.from("4.0.0") && condition != "vx" && s.any(name)
	if condition == "" || condition == "nx" && !there || condition == "xx" && k != nil || condition == "vx" && k != nil && k.Text == compared {
		s.put(name, text, expires)
	}
	switch {
	case condition == "" && timed && s.Version.from("3.0.8"):
		s.keys["string "+name].Expires = expires / 1000 * 1000 // as far as the log says
		s.log("pksetexat", name, seconds(expires), text)
	default:
		s.log(argv...)
	}
}

// any reports whether a name is there in any type.
func (s *Server) any(name string) bool {
	for _, kind := range types() {
		if s.full(kind, name) != nil {
			return true
		}
	}
	return false
}

func (s *Server) setex(argv []string) {
	millis := strings.EqualFold(argv[0], "psetex")
	life := s.life(argv[2], millis)
	if life <= 0 {
		return // is refused
	}
	expires := s.Now*1000 + life
	switch {
	case !s.Version.from("3.0.8"):
		s.put(argv[1], argv[3], expires)
		s.log(argv...)
	case millis && s.Version.from("4.0.1"):
		s.put(argv[1], argv[3], expires)
		s.log("pksetexat", argv[1], strconv.FormatInt(expires, 10), argv[3])
	default:
		s.put(argv[1], argv[3], expires/1000*1000)
		s.log("pksetexat", argv[1], seconds(expires), argv[3])
	}
}

func (s *Server) pksetexat(argv []string) {
	at, _ := strconv.ParseInt(argv[2], 10, 64)
	s.put(argv[1], argv[3], at*1000)
	s.log(argv...)
}

func (s *Server) setnx(argv []string) {
	does := s.get("string", argv[1]) == nil && (!s.Version.from("4.0.0") || !s.any(argv[1]))
	if does {
		s.put(argv[1], argv[2], 0)
	}
	switch {
	case !s.Version.from("2.3.0"):
		s.log(argv...)
	case s.Version.from("3.3.6"):
		s.log("setnx", argv[1], argv[2])
	case does:
		s.log("set", argv[1], argv[2])
	}
}

func (s *Server) getset(argv []string) {
	s.put(argv[1], argv[2], 0)
	s.log(argv...)
}

// mset is logged as it was sent, or as a set for each key: in one record, or in records of their own.
func (s *Server) mset(argv []string) {
	nx := strings.EqualFold(argv[0], "msetnx")
	does := true
	for i := 1; i < len(argv); i += 2 {
		if nx && (s.get("string", argv[i]) != nil || s.Version.from("4.0.0") && s.any(argv[i])) {
			does = false
		}
	}
	var all Record
	for i := 1; i < len(argv) && does; i += 2 {
		s.put(argv[i], argv[i+1], 0)
		all = append(all, []string{"set", argv[i], argv[i+1]})
	}
	switch together := s.Version.between("2.3.0", "2.3.9") || s.Version.between("3.0.0", "3.0.4"); {
	case together && does:
		s.logged = append(s.logged, all)
	case s.Version.from("3.5.0"):
		for _, set := range all {
			s.log(set...)
		}
	case !together:
		s.log(argv...)
	}
}

func (s *Server) delvx(argv []string) {
	if k := s.get("string", argv[1]); k != nil && k.Text == argv[2] {
		delete(s.keys, "string "+argv[1])
	}
	s.log(argv...)
}

// del deletes in all types.
func (s *Server) del(argv []string) {
	for _, name := range argv[1:] {
		s.delete(name)
		if s.Version.from("3.5.0") {
			s.log(argv[0], name)
		}
	}
	if !s.Version.from("3.5.0") {
		s.log(argv...)
	}
}

// expire is for all types but streams, and for what holds something.
func (s *Server) expire(argv []string) {
	word := strings.ToLower(argv[0])
	at, _ := strconv.ParseInt(argv[2], 10, 64)
	millis := word[0] == 'p'
	exact := s.Version.from("4.0.1") || word == "pexpireat" && !s.Version.from("2.3.0") // as far as the log says
	switch {
	case !millis:
		at *= 1000
	case !exact:
		at = at / 1000 * 1000
	}
	if !strings.HasSuffix(word, "at") {
		at += s.Now * 1000
	}
	for _, kind := range types() {
		if k := s.full(kind, argv[1]); k != nil && kind != "stream" {
			if k.Expires = at; at <= s.Now*1000 {
				delete(s.keys, kind+" "+argv[1])
			}
		}
	}
	switch {
	case !s.Version.from("2.3.0"):
		s.log(argv...)
	case millis && exact:
		s.log("pexpireat", argv[1], strconv.FormatInt(at, 10))
	default:
		s.log("expireat", argv[1], seconds(at))
	}
}

func (s *Server) persist(argv []string) {
	for _, kind := range types() {
		if k := s.full(kind, argv[1]); k != nil && kind != "stream" {
			k.Expires = 0
		}
	}
	s.log(argv...)
}

// patternDel takes a prefix and a star.
func (s *Server) patternDel(argv []string) {
	for _, name := range slices.Sorted(maps.Keys(s.keys)) {
		kind, key, _ := strings.Cut(name, " ")
		if strings.HasPrefix(key, strings.TrimSuffix(argv[1], "*")) && (len(argv) < 3 || kind == argv[2]) {
			if s.Version.from("4.0.1") {
				s.log("del", key)
			}
			delete(s.keys, name)
		}
	}
	if !s.Version.from("4.0.1") {
		s.log(argv...)
	}
}

// flushdb is of one type, before 3.5.
func (s *Server) flushdb(argv []string) {
	for name := range s.keys {
		if strings.HasPrefix(name, argv[1]+" ") {
			delete(s.keys, name)
		}
	}
	s.log(argv...)
}

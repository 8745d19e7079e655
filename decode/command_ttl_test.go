package decode

import "testing"

// ttlCases are the versions whose logs are folded.
var ttlCases = map[string]ttlCase{
	"2.2.6": {era: eraBefore30, emptyKeeps: true},
	"3.4.1": {era: era30To34},
	"4.0.1": {era: eraSince35},
}

type ttlCase struct {
	era        era
	emptyKeeps bool // a deadline outlives the last element
}

// keyState is what the events of one key add up to. What it holds is counted and not kept, but for a
// string, which VX compares.
type keyState struct {
	value   string
	items   map[string]int // "string", "list", or type and member
	expires int64
	derived bool
}

func (s *keyState) exists() bool { return len(s.items) > 0 }

func (s *keyState) clear() { *s = keyState{items: map[string]int{}} }

func (s *keyState) add(item string, n int) {
	s.items[item] += n
	if s.items[item] <= 0 {
		delete(s.items, item)
	}
}

// expireAt takes the deadline of the event if it has one; one that is over ends the key.
func (s *keyState) expireAt(c *Change) {
	if c.Has&HasExpireAt == 0 {
		return
	}
	s.expires, s.derived = c.ExpireAt, c.Precision == PrecisionDerived
	if s.expires != 0 && s.expires <= c.Time*1000 {
		s.clear()
	}
}

// ttlFold is a consumer that keeps no more than what the fields of the events tell.
type ttlFold struct {
	ttlCase
	keys map[string]*keyState
}

func (f *ttlFold) state(key []byte) *keyState {
	s := f.keys[string(key)]
	if s == nil {
		s = &keyState{items: map[string]int{}}
		f.keys[string(key)] = s
	}
	return s
}

func (f *ttlFold) apply(c *Change) {
	s := f.state(c.Key)
	if s.expires != 0 && s.expires <= c.Time*1000 {
		s.clear()
	}
	before := len(s.items)
	switch c.Op {
	case OpSet:
		s.set(c)
	case OpUpdate:
		s.update(c)
	case OpRemove:
		s.remove(c)
	case OpDelete:
		s.clear()
	case OpExpire:
		if s.exists() {
			s.expireAt(c)
		}
	case OpPersist:
		s.expireAt(c)
	case OpStore:
		f.store(s, c)
	default:
	}
	// SETBIT changes no bit in these logs, and so it drops nothing.
	if c.Op == OpUpdate && c.Type != TypeBitmap || c.Op == OpRemove && len(s.items) != before {
		s.expireAt(c)
	}
	if !s.exists() && !f.emptyKeeps {
		s.expires = 0
	}
}

// set honours the conditions that make a set relative: without any, it is setnx or msetnx.
func (s *keyState) set(c *Change) {
	if c.Effect == EffectRelative {
		condition := "nx"
		for i, arg := range c.Args {
			if isWord(arg, "xx") || isWord(arg, "vx") && string(c.Args[i+1]) == s.value {
				condition = "xx"
			} else if isWord(arg, "vx") {
				return
			}
		}
		if (condition == "nx") == s.exists() {
			return
		}
	}
	s.clear()
	s.value = string(c.Value)
	s.add("string", 1)
	s.expireAt(c)
}

func (s *keyState) update(c *Change) {
	switch {
	case c.Type == TypeList && c.Cmd != "lset":
		s.add("list", c.Elements.Len())
	case c.Type == TypeString || c.Type == TypeBitmap:
		s.items["string"] = 1
	case c.Type == TypeStream:
		s.items[string(c.EntryID)] = 1
	}
	if c.Type == TypeHash || c.Type == TypeSet || c.Type == TypeZset {
		for e := range c.Elements.All() {
			s.items[c.Type.String()+string(e.Field)+memberOf(c.Type, e)] = 1
		}
	}
}

// memberOf is nothing for a hash, whose fields are enough.
func memberOf(t Type, e Element) string {
	if t == TypeHash {
		return ""
	}
	return string(e.Value)
}

func (s *keyState) remove(c *Change) {
	for e := range c.Elements.All() {
		delete(s.items, c.Type.String()+string(e.Field)+memberOf(c.Type, e))
	}
	switch c.Cmd {
	case "lpop", "rpop":
		s.add("list", -1)
	case "ltrim":
		s.add("list", -5)
	}
}

func (f *ttlFold) store(s *keyState, c *Change) {
	switch c.Cmd {
	case "rpoplpush":
		source := f.state(c.Args[0])
		source.add("list", -1)
		source.expireAt(c)
		s.add("list", 1)
	case "smove":
		s.add("moved", 1)
	default:
		s.items = map[string]int{"stored": 1}
		s.expireAt(c)
	}
}

// TestDeadlinesOfServers folds logs in which each key has its own way to get, keep or lose a
// deadline, and compares with the deadline that was worked out by hand from the log of that key
// and seen at the server.
func TestDeadlinesOfServers(t *testing.T) {
	for version, test := range ttlCases {
		f := ttlFold{ttlCase: test, keys: map[string]*keyState{}}
		for _, line := range loadRecords(t, "ttl-"+version+".jsonl") {
			if line.Argv == nil {
				f.check(t, version, line)
				continue
			}
			for _, c := range buildParts(line.Argv, HasTime, line.Time) {
				LookupCommand(line.Argv[0]).dropDeadline(&c, test.era)
				f.apply(&c)
			}
		}
	}
}

func (f *ttlFold) check(t *testing.T, version string, want loggedLine) {
	t.Helper()
	got := f.state([]byte(want.Key))
	if got.derived && got.expires != want.Deadline {
		// Derived deadlines are off by up to a second; the servers cut milliseconds to seconds.
		if off := got.expires - want.Deadline; off > 0 && off < 1000 || !want.Exists {
			return
		}
	}
	if got.exists() != want.Exists || got.expires != want.Deadline {
		t.Errorf("%s: %s exists=%v until %d, want %v until %d",
			version, want.Key, got.exists(), got.expires, want.Exists, want.Deadline)
	}
}

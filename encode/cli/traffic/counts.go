package traffic

// Count is how many events there were, and how many bytes of the log they take.
type Count struct {
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"`
}

func (c *Count) add(events, bytes int64) {
	c.Events += events
	c.Bytes += bytes
}

// The names of commands that are counted apart; a log can hold any number of made-up ones.
const (
	maxNames   = 1024
	otherNames = "(other names)"
)

// names counts by name.
type names struct {
	byName map[string]*Count
	last   []byte // name that was asked for last
	count  *Count
}

// of gives the counter of a name.
func (n *names) of(name []byte) *Count {
	if n.count != nil && string(n.last) == string(name) {
		return n.count
	}
	found := n.byName[string(name)]
	if found == nil {
		found = n.make(string(name))
	}
	n.last, n.count = append(n.last[:0], name...), found
	return found
}

func (n *names) make(name string) *Count {
	if n.byName == nil {
		n.byName = map[string]*Count{}
	}
	if len(n.byName) >= maxNames {
		name = otherNames
	}
	found := n.byName[name]
	if found == nil {
		found = &Count{}
		n.byName[name] = found
	}
	return found
}

// merge adds what others have counted. The order of names decides what is counted as another one.
func (n *names) merge(other *names) {
	for _, name := range sortedKeys(other.byName) {
		c := other.byName[name]
		n.of([]byte(name)).add(c.Events, c.Bytes)
	}
}

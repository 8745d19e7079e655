package traffic

import "pikabin/decode"

// Count is how many events there were, and how many bytes of the log they take.
type Count struct {
	Events int64 `json:"events"`
	Bytes  int64 `json:"bytes"`
}

func (c *Count) add(events, bytes int64) {
	c.Events += events
	c.Bytes += bytes
}

// The names that are counted apart besides those of the commands that are known; a log can hold any number of made-up ones.
const (
	maxNames   = 1024
	otherNames = "(other names)"
)

// knownNames are those of the commands that are known, by number.
var knownNames = decode.CommandNames()

// commands counts by the name of a command.
type commands struct {
	known  []Count // by number
	byName map[string]*Count
}

func newCommands() commands {
	return commands{known: make([]Count, len(knownNames)), byName: map[string]*Count{}}
}

// of gives the counter of the command of an event; nil if it has none.
func (c *commands) of(d digest) *Count {
	if number := d.command(); number > 0 {
		return &c.known[number-1]
	}
	if name := d.name(); len(name) > 0 {
		return c.named(name)
	}
	return nil
}

// named gives the counter of a name.
func (c *commands) named(name []byte) *Count {
	found := c.byName[string(name)]
	if found == nil {
		found = c.make(string(name))
	}
	return found
}

func (c *commands) make(name string) *Count {
	if len(c.byName) >= maxNames {
		name = otherNames
	}
	found := c.byName[name]
	if found == nil {
		found = &Count{}
		c.byName[name] = found
	}
	return found
}

// merge adds what others have counted. The order of names decides what is counted as another one.
func (c *commands) merge(other *commands) {
	for i, n := range other.known {
		c.known[i].add(n.Events, n.Bytes)
	}
	for _, name := range sortedKeys(other.byName) {
		n := other.byName[name]
		c.named([]byte(name)).add(n.Events, n.Bytes)
	}
}

// list gives the counts. A known command has one by its name, too, if its server has called another one so, or it had arguments that it cannot have.
func (c *commands) list() []Named {
	all := make(map[string]Count, len(knownNames)+len(c.byName))
	for name, n := range c.byName {
		all[name] = *n
	}
	for i, n := range c.known {
		n.add(all[knownNames[i]].Events, all[knownNames[i]].Bytes)
		all[knownNames[i]] = n
	}
	list := []Named{}
	for name, n := range all {
		list = append(list, Named{name, n})
	}
	return list
}

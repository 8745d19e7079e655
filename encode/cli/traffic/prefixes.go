package traffic

import (
	"bytes"

	"pikabin/decode/frequent"
)

// prefixes counts by the prefix of a key: the text up to the first delimiter, with it.
type prefixes struct {
	delimiter []byte
	items     frequent.Items
	recent    [1 << 8]gathered // by the beginning of the prefix
	none      Count            // of keys without a delimiter
}

// gathered is what has come for a prefix lately, and is not in items yet. A key that begins with this text has this prefix: the first delimiter in both
// is at the end of the text.
type gathered struct {
	text []byte // empty: nothing has come
	Count
}

// add counts a key.
func (p *prefixes) add(key []byte, size int64) {
	g := &p.recent[slotOf(key)]
	if len(g.text) > 0 && bytes.HasPrefix(key, g.text) {
		g.add(1, size)
		return
	}
	i := bytes.Index(key, p.delimiter)
	if i < 0 {
		p.none.add(1, size)
		return
	}
	p.put(g)
	g.text, g.Count = append(g.text[:0], key[:i+len(p.delimiter)]...), Count{1, size}
}

// slotOf spreads keys by their first bytes.
func slotOf(key []byte) uint8 {
	if len(key) < 4 {
		return 0
	}
	return key[0]*3 ^ key[1]*5 ^ key[2]*7 ^ key[3]*11
}

// put adds what has been gathered to the items.
func (p *prefixes) put(g *gathered) {
	if g.Events > 0 {
		p.items.Add(g.text, g.Events, g.Bytes)
	}
	*g = gathered{text: g.text[:0]}
}

// all gives the counts.
func (p *prefixes) all() *frequent.Items {
	for i := range p.recent {
		p.put(&p.recent[i])
	}
	if p.none.Events > 0 {
		p.items.Add(nil, p.none.Events, p.none.Bytes)
		p.none = Count{}
	}
	return &p.items
}

// merge adds what others have counted.
func (p *prefixes) merge(other *prefixes) { p.items.Merge(other.all()) }

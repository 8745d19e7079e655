package inspect

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"slices"
)

const (
	keptPrefixes  = 1024 // counters that a summary keeps when it is full
	prefixLength  = 8    // of keys without a colon
	prefixLongest = 64   // no prefix is longer
)

// prefixes counts key prefixes in bounded memory (Misra and Gries, with the counters of twice as many
// prefixes and a purge of half of them at a time, as in DataSketches). Up to keptPrefixes distinct ones the
// counts are exact; beyond it each is too low by at most under. What comes of it depends only on the order in
// which keys are added and summaries merged.
type prefixes struct {
	counters []counter
	text     []byte  // of all prefixes, one after the other
	index    []int32 // open hash of counters, 1 more than the place in it; 0 is free
	under    int64
	counts   []int64 // scratch of purge
	spare    []byte
}

type counter struct {
	hash        uint64
	begin, end  int // in text
	keys, bytes int64
}

const indexSize = 8 * keptPrefixes

// seed only places counters in the index; the counts do not depend on it.
var seed = maphash.MakeSeed()

// prefixOf is what keys are grouped by: the text up to the first colon, with it, or else the first bytes.
func prefixOf(key []byte) []byte {
	if i := bytes.IndexByte(key[:min(len(key), prefixLongest)], ':'); i >= 0 {
		return key[:i+1]
	}
	return cutText(key, prefixLength)
}

// add counts keys of that prefix, and the bytes of their records.
func (p *prefixes) add(prefix []byte, keys, size int64) {
	if p.index == nil {
		p.index = make([]int32, indexSize)
	}
	hash := maphash.Bytes(seed, prefix)
	at := hash % indexSize
	for ; p.index[at] != 0; at = (at + 1) % indexSize {
		c := &p.counters[p.index[at]-1]
		if c.hash == hash && bytes.Equal(p.text[c.begin:c.end], prefix) {
			c.keys += keys
			c.bytes += size
			return
		}
	}
	begin := len(p.text)
	p.text = append(p.text, prefix...)
	p.counters = append(p.counters, counter{hash: hash, begin: begin, end: len(p.text), keys: keys, bytes: size})
	p.index[at] = int32(len(p.counters))
	if len(p.counters) == 2*keptPrefixes {
		p.purge()
	}
}

// purge takes the count of the largest counter beyond keptPrefixes off all of them, and drops those that
// come to nothing.
func (p *prefixes) purge() {
	p.counts = p.counts[:0]
	for i := range p.counters {
		p.counts = append(p.counts, p.counters[i].keys)
	}
	slices.Sort(p.counts)
	off := p.counts[len(p.counts)-1-keptPrefixes]
	p.under += off
	kept, text := p.counters[:0], p.spare[:0]
	clear(p.index)
	for _, c := range p.counters {
		if c.keys -= off; c.keys <= 0 {
			continue
		}
		begin := len(text)
		text = append(text, p.text[c.begin:c.end]...)
		c.begin, c.end = begin, len(text)
		kept = append(kept, c)
		at := c.hash % indexSize
		for p.index[at] != 0 {
			at = (at + 1) % indexSize
		}
		p.index[at] = int32(len(kept))
	}
	p.counters, p.text, p.spare = kept, text, p.text
}

// merge adds what another summary has counted.
func (p *prefixes) merge(q *prefixes) {
	for i := range q.counters {
		c := &q.counters[i]
		p.add(q.text[c.begin:c.end], c.keys, c.bytes)
	}
	p.under += q.under
}

// top gives the n prefixes with most keys.
func (p *prefixes) top(n int) []PrefixInfo {
	sorted := slices.Clone(p.counters)
	slices.SortFunc(sorted, func(a, b counter) int {
		return cmp.Or(cmp.Compare(b.keys, a.keys), cmp.Compare(b.bytes, a.bytes), bytes.Compare(p.text[a.begin:a.end], p.text[b.begin:b.end]))
	})
	var list []PrefixInfo
	for _, c := range sorted[:min(n, len(sorted))] {
		info := PrefixInfo{Events: c.keys, Bytes: c.bytes}
		info.Prefix, info.PrefixB64 = textOrBytes(p.text[c.begin:c.end])
		list = append(list, info)
	}
	return list
}

// Package frequent finds the items of a stream that come most often, in bounded memory, and says by how much its counts can be wrong (Misra and
// Gries, with room for twice as many items and a purge of half of them at a time, as in DataSketches).
package frequent

import (
	"bytes"
	"cmp"
	"hash/maphash"
	"math/bits"
	"slices"
)

// defaultKeep is how many items are kept unless told otherwise.
const defaultKeep = 1024

// perItem is how many places of the index there are for each item that is kept: half of them are taken at most.
const perItem = 4

// Items counts items. Up to Keep distinct ones the counts are exact; beyond it each is too low by at most Under, which is never more than the Keep-th
// part of all that was counted. Items are told apart by hashes of 64 bits. What comes of it depends only on the order in which items are added and summaries merged. The zero value is ready
// for use. It belongs to one goroutine.
type Items struct {
	Keep int // how many are kept when there is no room for more; 0: 1024

	counters []counter
	text     []byte   // of all items, one after the other
	index    []uint32 // open hash of counters, see entry; 0 is free
	places   uint32   // the bits of an entry that say where the counter is
	under    int64
	fetched  uint32  // of no meaning: without it the compiler would leave the loads out
	counts   []int64 // scratch of purge
}

type counter struct {
	hash       uint64
	begin, end int32 // in text
	count      int64
	bytes      int64
}

// Item is one of them.
type Item struct {
	Text  []byte // valid until the next call
	Count int64  // that was seen at least; with Under that may have been seen
	Bytes int64  // since it was kept
}

// seed makes other hashes in each process: nobody can choose items that have the same one.
var seed = maphash.MakeSeed()

// Hash is what an item is found by.
func Hash(text []byte) uint64 { return maphash.Bytes(seed, text) }

// Add counts an item so many times, and bytes that belong to it.
func (s *Items) Add(text []byte, count, size int64) { s.AddHashed(Hash(text), text, count, size) }

// AddHashed counts an item whose hash is known. Where an item is too long to be kept, text is its beginning, and the hash is of all of it.
func (s *Items) AddHashed(hash uint64, text []byte, count, size int64) {
	if s.index == nil {
		s.Keep = cmp.Or(s.Keep, defaultKeep)
		s.index = make([]uint32, 1<<bits.Len(uint(perItem*s.Keep-1)))
		s.places = 1<<bits.Len(uint(2*s.Keep)) - 1
	}
	at := s.place(hash)
	for ; s.index[at] != 0; at = s.after(at) {
		entry := s.index[at]
		if (entry^s.entry(hash, 0))&^s.places != 0 {
			continue
		}
		if c := &s.counters[entry&s.places-1]; c.hash == hash {
			c.count += count
			c.bytes += size
			return
		}
	}
	begin := len(s.text)
	s.text = append(s.text, text...)
	s.counters = append(s.counters, counter{hash: hash, begin: int32(begin), end: int32(len(s.text)), count: count, bytes: size})
	s.index[at] = s.entry(hash, len(s.counters))
	if len(s.counters) == 2*s.Keep {
		s.purge()
	}
}

// Fetch looks at the place where AddHashed looks first. It changes nothing that can be seen: called for some items before the first of them is added,
// it has the processor load all these places at once, where AddHashed would wait for one after the other.
func (s *Items) Fetch(hash uint64) {
	if s.index != nil {
		s.fetched += s.index[s.place(hash)]
	}
}

// entry is what the index holds of the counter at a place, from 1 on: besides that place a part of the hash, which tells nearly all other items apart. Their
// counters, which take much more memory, are not looked at.
func (s *Items) entry(hash uint64, at int) uint32 { return uint32(hash>>32)&^s.places | uint32(at) }

// place is where a hash is looked for first.
func (s *Items) place(hash uint64) int { return int(hash) & (len(s.index) - 1) }

// after is the place after one.
func (s *Items) after(at int) int { return (at + 1) & (len(s.index) - 1) }

// purge takes the count of the largest counter beyond Keep off all of them, and drops those that come to nothing.
func (s *Items) purge() {
	s.counts = s.counts[:0]
	for i := range s.counters {
		s.counts = append(s.counts, s.counters[i].count)
	}
	slices.Sort(s.counts)
	off := s.counts[len(s.counts)-1-s.Keep]
	s.under += off
	kept, text := s.counters[:0], s.text[:0] // in place: what is kept moves towards the beginning
	clear(s.index)
	for _, c := range s.counters {
		if c.count -= off; c.count <= 0 {
			continue
		}
		begin := len(text)
		text = append(text, s.text[c.begin:c.end]...)
		c.begin, c.end = int32(begin), int32(len(text))
		kept = append(kept, c)
		at := s.place(c.hash)
		for s.index[at] != 0 {
			at = s.after(at)
		}
		s.index[at] = s.entry(c.hash, len(kept))
	}
	s.counters, s.text = kept, text
}

// Merge adds what another summary has counted.
func (s *Items) Merge(other *Items) {
	for i := range other.counters {
		c := &other.counters[i]
		s.AddHashed(c.hash, other.text[c.begin:c.end], c.count, c.bytes)
	}
	s.under += other.under
}

// Under is by how much each count can be too low, and how often an item that is not there can have come. 0: all is exact.
func (s *Items) Under() int64 { return s.under }

// Len is how many items are kept now.
func (s *Items) Len() int { return len(s.counters) }

// Top gives the n items that came most often.
func (s *Items) Top(n int) []Item {
	sorted := slices.Clone(s.counters)
	slices.SortFunc(sorted, func(a, b counter) int {
		return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(b.bytes, a.bytes), bytes.Compare(s.text[a.begin:a.end], s.text[b.begin:b.end]))
	})
	var list []Item
	for _, c := range sorted[:min(n, len(sorted))] {
		list = append(list, Item{Text: s.text[c.begin:c.end], Count: c.count, Bytes: c.bytes})
	}
	return list
}

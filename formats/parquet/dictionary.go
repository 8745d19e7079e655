package parquet

import (
	"maps"
	"slices"
)

// dictionary holds the values of a column of few texts: each text once, and which of them each value is.
type dictionary struct {
	indexes []int32
	numbers map[string]int32
	plain   []byte // the texts, encoded

	// recent are texts that were looked up lately, each at a place of its own as far as possible.
	recent [64]struct {
		text  string
		index int32
		valid bool
	}
}

// add adds a value.
func (d *dictionary) add(text []byte) {
	place := len(text)
	if place > 0 {
		place += int(text[0]) + 4*int(text[place-1])
	}
	r := &d.recent[place%len(d.recent)]
	if !r.valid || r.text != string(text) {
		r.text, r.index = d.lookup(text)
		r.valid = true
	}
	d.indexes = append(d.indexes, r.index)
}

// lookup gives the text and its number, a new one if there is none.
func (d *dictionary) lookup(text []byte) (string, int32) {
	if index, ok := d.numbers[string(text)]; ok {
		return string(text), index
	}
	if d.numbers == nil {
		d.numbers = map[string]int32{}
	}
	s, index := string(text), int32(len(d.numbers))
	d.numbers[s] = index
	d.plain = appendPlain(d.plain, text)
	return s, index
}

// bounds are the least and the greatest text.
func (d *dictionary) bounds() (least, greatest []byte) {
	if len(d.numbers) == 0 {
		return nil, nil
	}
	texts := slices.Collect(maps.Keys(d.numbers))
	return []byte(slices.Min(texts)), []byte(slices.Max(texts))
}

// reset makes it empty.
func (d *dictionary) reset() {
	d.indexes, d.plain = d.indexes[:0], d.plain[:0]
	clear(d.numbers)
	clear(d.recent[:])
}

package damaged

import (
	"math/rand/v2"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// older puts a manifest in place that was copied before the last records were written: they are not committed any more. Segments above the one that it
// names are passed over.
func (l *Log) older(r *rand.Rand) {
	i := r.IntN(len(l.Records))
	if i+1 == len(l.Records) || l.copied {
		return
	}
	at := l.Records[i+1].prev
	if at.Segment != l.Records[i].Segment || at.Offset == 0 {
		return // between two segments the manifest names the second one
	}
	l.note("the manifest is an older one: %v", at)
	l.manifest = binlogtest.AppendManifest(nil, l.Generation, at, l.Records[i].puts, 0)
	l.Records, l.Newest = l.Records[:i+1], at.Segment
}

// misdirect writes a piece of one segment to another place, as a disk does that confuses two blocks.
func (l *Log) misdirect(r *rand.Rand, number uint32) {
	numbers := l.numbers()
	source := numbers[r.IntN(len(numbers))]
	size := []int64{512, page, decode.BlockSize}[r.IntN(3)]
	from, ok1 := l.place(r, source)
	to, ok2 := l.place(r, number)
	if !ok1 || !ok2 {
		return
	}
	from, to = from-from%size, to-to%size
	if to == 0 {
		return // that is the beginning of a copy of the whole segment
	}
	piece := slices.Clone(l.files[source][from:min(from+size, int64(len(l.files[source])))])
	l.note("%d:%d: %d bytes of %d:%d", number, to, len(piece), source, from)
	l.veil(number, to)
	l.write(number, to, piece)
	l.plausible[number] = append(l.plausible[number], [2]int64{to, to + int64(len(piece))})
}

// shift puts bytes between others, or takes some out: all that comes after them is at another place.
func (l *Log) shift(r *rand.Rand, number uint32) {
	at, ok := l.place(r, number)
	if !ok {
		return
	}
	file, n := l.files[number], 1+r.Int64N(300)
	l.veil(number, at)
	l.spoil(number, at, 1<<40)
	l.plausible[number] = append(l.plausible[number], [2]int64{at, 1 << 40})
	if r.IntN(2) == 0 {
		l.note("%d:%d: %d bytes put in", number, at, n)
		l.files[number] = slices.Insert(slices.Clone(file), int(at), make([]byte, n)...)
		return
	}
	n = min(n, int64(len(file))-at)
	l.note("%d:%d: %d bytes taken out", number, at, n)
	l.files[number] = slices.Delete(slices.Clone(file), int(at), int(at+n))
	if l.Generation == decode.G2 && l.seamless(number, at, n) {
		l.veiled[number] = true
	}
}

// seamless reports whether a record follows where one ends from which bytes were taken out, as though they had never been there. If it is a whole
// one, too, then all after it name places that are later than theirs: so they do on a replica of 2.3 whose master has another server id, and nothing
// tells the two apart. From 3.0 on they are counted.
func (l *Log) seamless(number uint32, at, n int64) bool {
	end := int64(-1) // of what is left of the record that they were in
	for _, r := range l.Records {
		if r.Segment != number || r.End <= at {
			continue
		}
		if end < 0 {
			end = r.End
			if r.Offset == at {
				end = at
			}
		}
		if r.End == end+n {
			return true
		}
	}
	return false
}

// lengthen puts something after the end of a file: noise, zeros, or records of another segment.
func (l *Log) lengthen(r *rand.Rand, number uint32) {
	numbers := l.numbers()
	var more []byte
	switch other := l.files[numbers[r.IntN(len(numbers))]]; {
	case r.IntN(3) == 0:
		more = make([]byte, 1+r.IntN(1<<17))
	case r.IntN(2) == 0 || l.unnamed[number]:
		more = noise(r, 1+r.IntN(3000))
	default:
		more = other[:min(len(other), 1+r.IntN(1<<17))]
	}
	l.note("%d: %d bytes put after its end", number, len(more))
	l.stale[number] = true
	l.files[number] = slices.Concat(l.files[number], more)
}

// loseTop takes the newest segment away, or what is in it.
func (l *Log) loseTop(r *rand.Rand) {
	if l.end(l.Newest) == 0 {
		return
	}
	l.veil(l.Newest, 0)
	l.gone[l.Newest] = true
	if r.IntN(2) == 0 {
		l.empty(l.Newest)
		return
	}
	l.note("%d: removed", l.Newest)
	delete(l.files, l.Newest)
}

func noise(r *rand.Rand, n int) []byte {
	data := make([]byte, n)
	for i := range data {
		data[i] = byte(r.Uint32())
	}
	return data
}

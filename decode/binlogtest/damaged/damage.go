package damaged

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"pikabin/decode"
)

// page is what a file system loses when it loses something.
const page = 4096

// damage does to the log what disks, copies and people do.
func (l *Log) damage(r *rand.Rand) {
	if r.IntN(8) == 0 {
		l.older(r)
	}
	for range r.IntN(4) {
		numbers := l.numbers()
		if len(numbers) == 0 {
			break // all have been removed
		}
		number := numbers[r.IntN(len(numbers))]
		switch r.IntN(14) {
		case 0, 1, 2, 3:
			l.flip(r, number)
		case 4, 5, 6:
			l.zero(r, number)
		case 7:
			l.scribble(r, number)
		case 8:
			l.cut(r, number)
		case 9:
			l.lose(r, number)
		case 10:
			l.misdirect(r, number)
		case 11:
			l.shift(r, number)
		case 12:
			l.lengthen(r, number)
		default:
			l.loseTop(r)
		}
	}
	if r.IntN(4) == 0 {
		l.archive(r)
	}
}

func (l *Log) note(format string, args ...any) {
	l.History = append(l.History, fmt.Sprintf(format, args...))
}

// end is where the committed records of a segment end.
func (l *Log) end(number uint32) int64 {
	var end int64
	for _, r := range l.Records {
		if r.Segment == number {
			end = r.End
		}
	}
	return end
}

// place picks an offset among the records of a segment, most often near one of their ends.
func (l *Log) place(r *rand.Rand, number uint32) (int64, bool) {
	end := min(l.end(number), int64(len(l.files[number])))
	if end == 0 {
		return 0, false
	}
	switch r.IntN(4) {
	case 0:
		return r.Int64N(min(end, 100)), true
	case 1:
		return end - 1 - r.Int64N(min(end, 300)), true
	}
	return r.Int64N(end), true
}

// write changes bytes of a segment, and notes which are not any more what they were.
func (l *Log) write(number uint32, at int64, data []byte) {
	file := l.files[number]
	for i, b := range data {
		if p := at + int64(i); p < int64(len(file)) && file[p] != b {
			file[p] = b
			l.spoil(number, p, p+1)
		}
	}
}

func (l *Log) spoil(number uint32, from, to int64) {
	list := l.bad[number]
	if n := len(list); n > 0 && list[n-1][1] == from {
		list[n-1][1] = to
		return
	}
	l.bad[number] = append(list, [2]int64{from, to})
}

// firstEnd is where the first record of a segment ends.
func (l *Log) firstEnd(number uint32) int64 {
	for _, r := range l.Records {
		if r.Segment == number {
			return r.End
		}
	}
	return 0
}

// veil notes that the end of the segment before is named by nobody any more, when the first record of a segment is damaged.
func (l *Log) veil(number uint32, from int64) {
	if number > 0 && from < l.firstEnd(number) {
		l.veiled[number-1] = true
	}
}

func (l *Log) flip(r *rand.Rand, number uint32) {
	at, ok := l.place(r, number)
	if !ok {
		return
	}
	bit := byte(1) << r.IntN(8)
	l.note("%d:%d: bit %#x flipped", number, at, bit)
	// With one bit of its first record changed a segment still tells what it follows: by the place that it names, or by its logic id.
	if l.Generation < decode.G3 || l.bad[number].touch(0, l.firstEnd(number)) {
		l.veil(number, at)
	}
	l.write(number, at, []byte{l.files[number][at] ^ bit})
}

func (l *Log) zero(r *rand.Rand, number uint32) {
	from, ok := l.place(r, number)
	if !ok {
		return
	}
	to := from + 1 + r.Int64N(3*page)
	switch r.IntN(4) {
	case 0:
		from, to = from&^(page-1), (to+page-1)&^(page-1)
	case 1:
		to = int64(len(l.files[number]))
	case 2:
		if r.IntN(3) == 0 {
			from, to = 0, int64(len(l.files[number]))
		}
	}
	l.note("%d:%d to %d: zeros", number, from, to)
	l.veil(number, from)
	l.write(number, from, make([]byte, to-from))
}

func (l *Log) scribble(r *rand.Rand, number uint32) {
	at, ok := l.place(r, number)
	if !ok {
		return
	}
	data := noise(r, 1+r.IntN(2000))
	l.note("%d:%d: %d bytes of noise", number, at, len(data))
	l.veil(number, at)
	l.write(number, at, data)
}

func (l *Log) cut(r *rand.Rand, number uint32) {
	at, ok := l.place(r, number)
	if !ok {
		return
	}
	l.note("%d: cut to %d bytes", number, at)
	l.veil(number, at)
	l.files[number] = l.files[number][:at]
	l.spoil(number, at, 1<<40)
}

// lose takes a whole segment away, or puts something else in its place.
func (l *Log) lose(r *rand.Rand, number uint32) {
	numbers := l.numbers()
	other := numbers[r.IntN(len(numbers))]
	how := r.IntN(3)
	if number == l.Newest || l.end(number) == 0 {
		return // what becomes of a log whose newest segment is gone is told elsewhere
	}
	l.veil(number, 0)
	l.gone[number] = true
	switch {
	case how == 0 && other != number && l.Generation >= decode.G2 && !l.copied:
		l.note("%d: a copy of %d", number, other)
		l.files[number] = slices.Clone(l.files[other])
	case how == 1:
		l.empty(number)
	default:
		l.note("%d: removed", number)
		delete(l.files, number)
		if number == numbers[0] { // so does a purge, and nothing is missing
			l.Records = slices.DeleteFunc(l.Records, func(r Record) bool { return r.Segment <= number })
		}
	}
}

// empty takes all out of a segment. Where records do not name their places nobody can tell what is put there later from what was there.
func (l *Log) empty(number uint32) {
	l.note("%d: emptied", number)
	l.files[number] = nil
	if l.Generation < decode.G2 || l.copied {
		l.spoil(number, 0, 1<<40)
	}
}

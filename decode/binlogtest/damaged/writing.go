package damaged

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// writing is a log while servers write it.
type writing struct {
	*rand.Rand
	generation decode.Generation
	out        *binlogtest.Writer
	size       int64 // binlog-file-size
	keys       int
	master     *binlogtest.Writer // of a replica that copies the positions; nil: the log is that of a master
	history    []string
	stale      map[uint32]bool
	unnamed    map[uint32]bool // segments whose end the next one does not name
}

func newWriting(r *rand.Rand) *writing {
	w := &writing{Rand: r, stale: map[uint32]bool{}, unnamed: map[uint32]bool{}}
	w.generation = decode.G0 + decode.Generation(r.IntN(int(decode.G5-decode.G0)+1))
	w.size = []int64{1024, 20000, decode.BlockSize, 150000, 300000}[r.IntN(5)]
	w.note("generation %v, segments of %d bytes", w.generation, w.size)
	o := binlogtest.Options{Generation: w.generation, SegmentSize: w.size}
	switch r.IntN(6) {
	case 0:
		o.Start = decode.Position{Segment: uint32(r.IntN(3)), Offset: r.Int64N(2 * decode.BlockSize)}
		w.note("it begins with a full sync at %v", o.Start)
	case 1:
		if w.generation >= decode.G2 && w.generation <= decode.G4 {
			w.note("a replica with the positions of its master")
			w.master = binlogtest.NewWriter(binlogtest.Options{Generation: w.generation, SegmentSize: 4 * w.size, Start: decode.Position{Segment: 1, Offset: 1000}})
		}
	}
	w.out = binlogtest.NewWriter(o)
	return w
}

func (w *writing) note(format string, args ...any) {
	w.history = append(w.history, fmt.Sprintf(format, args...))
}

// run lets several servers write, one after another.
func (w *writing) run() {
	segments := w.out.Position().Segment + uint32(w.IntN(5))
	for w.keys == 0 || w.out.Position().Segment < segments || w.IntN(4) > 0 {
		w.put()
		if w.IntN(12) == 0 {
			w.stop()
		}
	}
}

func (w *writing) put() {
	w.out.Advance(w.IntN(2))
	p := binlogtest.Put{Commands: [][]string{{"SET", w.key("k"), w.value()}}}
	if w.master != nil {
		w.master.Put(p)
		records := w.master.Records()
		last := records[len(records)-1]
		p.Copied = &binlogtest.Copied{LogicID: last.LogicID, Position: last.Prev, Origin: last.Origin}
	}
	w.out.Put(p)
}

func (w *writing) key(prefix string) string {
	w.keys++
	return fmt.Sprint(prefix, w.keys)
}

// value is of a size at which something interesting happens now and then.
func (w *writing) value() string {
	n := w.IntN(200)
	switch w.IntN(20) {
	case 0:
		n = int(min(w.size/2, 1<<17)) + w.IntN(1000)
	case 1, 2, 3:
		n = w.IntN(5000)
	}
	return strings.Repeat(string(rune('a'+w.IntN(26))), n)
}

// stop ends a server, in one of the ways in which servers end, and starts it again.
func (w *writing) stop() {
	at := w.out.Position()
	switch w.IntN(6) {
	case 0, 1:
		w.note("%v: killed", at)
		w.out.Preallocate()
	case 2:
		n := 1 + w.IntN(100)
		w.note("%v: killed when %d bytes of a record were there", at, n)
		w.out.Torn(binlogtest.Put{Commands: [][]string{{"SET", w.key("torn"), strings.Repeat("t", 100)}}}, n)
		w.out.Preallocate()
		w.stale[at.Segment] = true
	case 3:
		w.killedBeforeTheManifest()
	case 4:
		w.killedAtARotation()
	default:
		w.note("%v: stopped", at)
	}
	w.out.Restart()
}

// killedBeforeTheManifest leaves a record that is whole and not committed.
func (w *writing) killedBeforeTheManifest() {
	at := w.out.Position()
	w.note("%v: killed when a record was there, and not in the manifest yet", at)
	value := strings.Repeat("s", 1+w.IntN(300))
	w.out.Torn(binlogtest.Put{Commands: [][]string{{"SET", w.key("stale"), value}}}, len(value)+500)
	w.out.Preallocate()
	w.stale[at.Segment] = true
}

// killedAtARotation is what two kills leave: the first when the segment was full, the second after the rotation and before the put that
// had asked for it. The segment keeps its tail. Before 3.0 nothing tells that
// from a full sync, and up to 3.2 nothing does where the record before is damaged, too.
func (w *writing) killedAtARotation() {
	for at := w.out.Position(); at.Offset <= w.size; at = w.out.Position() {
		w.put()
	}
	w.note("%v: killed, and once more after the rotation", w.out.Position())
	w.out.Preallocate()
	if w.generation >= decode.G4 {
		w.unnamed[w.out.Position().Segment] = true
		w.out.Rotate()
	}
}

// records are those that the servers have committed, beside what a full sync has left.
func (w *writing) records() (list []Record, filler map[uint32]int64) {
	filler = map[uint32]int64{}
	for _, want := range w.out.Records() {
		argv := want.Argv()
		if argv == nil {
			filler[want.Segment] = want.End
			continue
		}
		puts := want.LogicID
		if w.generation == decode.G3 {
			puts++ // it numbers them from 0
		}
		list = append(list, Record{
			Segment: want.Segment, Offset: want.Offset, End: want.End, Key: string(argv[1]), Value: string(argv[2]), prev: want.Prev, puts: puts,
		})
	}
	return list, filler
}

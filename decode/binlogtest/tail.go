package binlogtest

import (
	"slices"
)

// region is the step by which a segment's file grows.
const region = 4 << 20

// Tail puts bytes after the end of the current segment, as a server that was killed leaves them. Later puts
// write over them; a rotation cuts them off, unless nothing was put before it.
func (w *Writer) Tail(b []byte) {
	w.cur.tail = slices.Clone(b)
	w.cur.untouched = true
}

// Preallocate adds zeros after the end, and after what Tail or Torn put there, up to the multiple of
// 4 MiB that the file of a running or killed server has.
func (w *Writer) Preallocate() {
	size := len(w.cur.data) + len(w.cur.tail)
	w.cur.tail = append(w.cur.tail, make([]byte, (size+region-1)/region*region-size)...)
	w.cur.untouched = true
}

// Torn puts the first n bytes of a record after the end, as if the server had been killed while
// it wrote them: the manifest does not know of it.
func (w *Writer) Torn(p Put, n int) {
	h := w.header(&p)
	w.payload = w.appendPut(w.payload[:0], &p, h)
	b, _, _ := appendFragments(nil, len(w.cur.data), w.headerSize(), w.opts.Time, w.payload)
	w.Tail(b[:min(n, len(b))])
}

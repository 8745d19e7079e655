package frame

// Large is the size from which a text is compressed in its own place.
const Large = 16 << 20

// step is how much of a large text becomes one frame.
const step = 8 << 20

// Pack compresses the pieces of a text that end at ends, each into a frame, and appends them to dst. Ends are then where the pieces end in what is returned.
func Pack(c Compressor, dst, text []byte, ends []int) []byte {
	begin := 0
	for i, end := range ends {
		dst = c.AppendFrame(dst, text[begin:end])
		begin, ends[i] = end, len(dst)
	}
	return dst
}

// PackInPlace is Pack for a large text, which is lost: the frames take its memory, so that no other of its size is needed.
func PackInPlace(c Compressor, text []byte, ends []int) []byte {
	p := inPlace{text: text}
	for i, end := range ends {
		p.add(c, min(step, end-p.read)) // of an empty piece, too
		for p.read < end {
			p.add(c, min(step, end-p.read))
		}
		ends[i] = p.written + len(p.ready)
	}
	return append(text[:p.written], p.ready...)
}

// inPlace writes the frames of a text over what they were made of.
type inPlace struct {
	text    []byte
	read    int    // how much of the text has been compressed
	written int    // how much of the frames is in its place
	ready   []byte // the rest, for which there is no room yet: the frame of noise is longer than the noise
}

// add compresses the next n bytes.
func (p *inPlace) add(c Compressor, n int) {
	p.ready = c.AppendFrame(p.ready, p.text[p.read:p.read+n])
	p.read += n
	placed := copy(p.text[p.written:p.read], p.ready)
	p.written += placed
	p.ready = p.ready[:copy(p.ready, p.ready[placed:])]
}

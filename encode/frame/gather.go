package frame

// GatherBelow is the size up to which batches are put together. A larger one compresses well enough by itself, and a worker does that beside the others.
const GatherBelow = 256 << 10

// Gather puts small batches together into one frame: by itself a batch of a few events is as large compressed as it is plain. It belongs to one file.
type Gather struct {
	frames Compressor
	plain  []byte

	marked   int    // how much there was at the last Mark
	markedAs []byte // what there was, once it has been taken since then
}

// NewGather makes one. Without a compressor nothing is to be added.
func NewGather(frames Compressor) *Gather { return &Gather{frames: frames} }

// Add keeps what a frame is to be made of, and reports whether it is enough for one.
func (g *Gather) Add(plain []byte) (full bool) {
	g.plain = append(g.plain, plain...)
	return len(g.plain) >= GatherBelow
}

// Take gives the frame of all that was added since the last one, nothing if nothing was.
func (g *Gather) Take() []byte {
	if len(g.plain) == 0 {
		return nil
	}
	if g.markedAs == nil {
		g.markedAs = append([]byte{}, g.plain[:g.marked]...)
	}
	frame := g.frames.AppendFrame(nil, g.plain)
	if g.plain = g.plain[:0]; cap(g.plain) > 2*GatherBelow {
		g.plain = nil
	}
	return frame
}

// Len is how many bytes wait for their frame.
func (g *Gather) Len() int { return len(g.plain) }

// Mark notes what there is, and Rewind goes back to it.
func (g *Gather) Mark() { g.marked, g.markedAs = len(g.plain), nil }

// Rewind takes out what was added since the last Mark, and puts back what was taken.
func (g *Gather) Rewind() {
	if g.markedAs != nil {
		g.plain = append(g.plain[:0], g.markedAs...)
		return
	}
	g.plain = g.plain[:g.marked]
}

package decode

// BlockSize is the size of the blocks that a segment is a sequence of.
const BlockSize = 65536

// Span is the part of a segment that one Scanner reads, and what is known of that segment.
type Span struct {
	Log     *Log
	Segment uint32

	// Epoch is how often the history of the log was replaced before this part of it, as far as is known.
	Epoch uint32

	// Begin and End bound the records of the span: a record belongs to the span in which its first
	// physical header lies. Begin is 0, a block boundary, or the end of a record (Exact).
	Begin, End int64

	// Limit is the end of what may be read of the segment: the manifest's position, the true end of a
	// finished segment, or the size of the file. A record of the span may run on beyond End to Limit.
	Limit int64

	// Final says that Limit is known to be the end of the last record, so that zeros before it are
	// damage. Otherwise the records may end earlier, in zeros.
	Final bool

	// Open says that nothing tells where the log ends: the newest segment of a log without a manifest.
	// Half a record at its end is then what a writer was at, and no damage.
	Open bool

	// Rebuilt says that the segment was put together from its records: it is the server's but for the times in the headers of
	// the fragments, and nothing of it is there before Begin.
	Rebuilt bool

	// Exact says that a record, or a block's trailer, begins at Begin. Otherwise the fragments at Begin
	// may be the rest of a record of the span before, and are passed over.
	Exact bool

	// Generation as far as it is known for the segment. A record that shows another one is read by what
	// it shows, since a server may be upgraded in the middle of a segment.
	Generation Generation

	// Before35 says that the server is older than 3.5, in a segment of 3.3 or later, whose records do not tell.
	Before35 bool

	// Fixed says that the user has named the generation: then nothing else is tried.
	Fixed bool
}

// Record is one reassembled record, or a piece of the filler that a full sync leaves.
type Record struct {
	Offset, End int64  // of the first physical header, and after the last fragment
	Time        int64  // unix seconds of the first physical header; 0 before Pika 2.1
	Fragments   int    // how many pieces it was in
	HeaderSize  int64  // of its physical headers: 4 before Pika 2.1, else 8
	Filler      bool   // a type 6 record or a block of spaces: no payload
	Payload     []byte // valid until the next call
}

// At gives the offset in the segment of byte i of the payload, for error messages.
func (r *Record) At(i int) int64 {
	at := r.Offset + r.HeaderSize
	inFirst := int(-at & (BlockSize - 1))
	if i < inFirst {
		return at + int64(i)
	}
	perBlock := int(BlockSize - r.HeaderSize)
	i -= inFirst
	return at + int64(inFirst) + int64(i/perBlock)*BlockSize + r.HeaderSize + int64(i%perBlock)
}

package traffic

import (
	"encoding/binary"
	"slices"

	"pikabin/decode"
	"pikabin/decode/frequent"
	"pikabin/decode/units"
)

// keyKept is how much of a key is kept; longer ones are told apart by their hashes. nameKept is the same of names of commands, which can be made up.
const (
	keyKept  = 256
	nameKept = 64
)

// A digest is what is reckoned of one event. Its fields are where these constants say, little endian, and its key comes after them, and the name of a
// command that has no number.
const (
	atTime     = 0  // unix seconds
	atOffset   = 8  // of the record
	atBytes    = 16 // share of the record
	atValue    = 24 // bytes of the value or of the elements
	atDeadline = 32 // unix milliseconds
	atHash     = 40 // of the key
	atSegment  = 48
	atLengths  = 52 // of the key, 16 bits, and of the name, 8 bits
	atFlags    = 55
	atOp       = 56
	atType     = 57
	atCommand  = 58 // 1 more than its number, 16 bits; 0: its name is told
	atLog      = 60 // room for the number of the log, which only the output knows: it is in front of the key
	fixedSize  = 64
)

// The flags of a digest.
const (
	hasKey = 1 << iota
	hasTime
	hasDeadline
	wholeInstance
)

// Encoder makes digests. It is a formats.Encoder: what costs CPU is done by all workers.
type Encoder struct{}

// AppendChange appends the digest of a change.
func (Encoder) AppendChange(dst []byte, c *decode.Change) []byte {
	key, name, number := cut(c.Key, keyKept), "", c.Number()+1
	if number == 0 {
		name = nameOf(c)
	}
	begin, size := len(dst), fixedSize+len(key)+len(name)
	dst = slices.Grow(dst, size)[:begin+size]
	d := dst[begin:][:size:size]
	put := binary.LittleEndian
	put.PutUint64(d[atTime:], uint64(c.Time))
	put.PutUint64(d[atOffset:], uint64(c.Offset))
	put.PutUint64(d[atBytes:], uint64(share(c)))
	put.PutUint64(d[atValue:], uint64(len(c.Value)+c.Elements.Size()))
	put.PutUint64(d[atDeadline:], uint64(c.ExpireAt))
	put.PutUint64(d[atHash:], hashOf(c.Key))
	put.PutUint32(d[atSegment:], c.Segment)
	put.PutUint16(d[atLengths:], uint16(len(key)))
	d[atLengths+2] = uint8(len(name))
	d[atFlags], d[atOp], d[atType] = flagsOf(c), uint8(c.Op), uint8(c.Type)
	put.PutUint16(d[atCommand:], uint16(number))
	copy(d[fixedSize:], key)
	copy(d[fixedSize+len(key):], name)
	return dst
}

// cut is the beginning of a text that is too long.
func cut(text []byte, most int) []byte {
	if len(text) <= most {
		return text
	}
	return units.CutText(text, most)
}

func nameOf(c *decode.Change) string {
	if len(c.Cmd) <= nameKept {
		return c.Cmd
	}
	return string(units.CutText([]byte(c.Cmd), nameKept))
}

// hashOf tells keys apart. No key has none.
func hashOf(key []byte) uint64 {
	if key == nil {
		return 0
	}
	return frequent.Hash(key)
}

func flagsOf(c *decode.Change) (flags uint8) {
	if c.Key != nil {
		flags |= hasKey
	}
	if c.Has&decode.HasTime != 0 {
		flags |= hasTime
	}
	if c.Has&decode.HasExpireAt != 0 {
		flags |= hasDeadline
	}
	if c.Scope != "" {
		flags |= wholeInstance
	}
	return flags
}

// share is the part that an event has of the bytes of its record: the events of one record share them, to the byte.
func share(c *decode.Change) int64 {
	size := c.End - c.Offset
	switch {
	case c.Op >= decode.OpGap || size <= 0:
		return 0
	case c.Parts <= 1:
		return size
	}
	part, parts := int64(c.Part), int64(c.Parts)
	return size*(part+1)/parts - size*part/parts
}

// digest is one that is read.
type digest []byte

// next takes the first digest off a list.
func next(list []byte) (d digest, rest []byte) {
	size := fixedSize + int(binary.LittleEndian.Uint16(list[atLengths:])) + int(list[atLengths+2])
	return digest(list[:size:size]), list[size:]
}

func (d digest) number(at int) int64 { return int64(binary.LittleEndian.Uint64(d[at:])) }

func (d digest) has(flag uint8) bool { return d[atFlags]&flag != 0 }

func (d digest) hash() uint64 { return binary.LittleEndian.Uint64(d[atHash:]) }

// keyHash tells the keys of different logs apart, too.
func (d digest) keyHash(log uint32) uint64 { return d.hash() + uint64(log) }

func (d digest) segment() uint32 { return binary.LittleEndian.Uint32(d[atSegment:]) }

func (d digest) key() []byte { return d[fixedSize:][:binary.LittleEndian.Uint16(d[atLengths:])] }

// command is 1 more than the number of the command; 0: it has a name, or none.
func (d digest) command() int { return int(binary.LittleEndian.Uint16(d[atCommand:])) }

func (d digest) name() []byte { return d[len(d)-int(d[atLengths+2]):] }

func (d digest) commandName() string {
	if number := d.command(); number > 0 {
		return knownNames[number-1]
	}
	return string(d.name())
}

// ofLog notes the log that the digest is of.
func (d digest) ofLog(log uint32) { binary.LittleEndian.PutUint32(d[atLog:], log) }

// logKey is the number of the log and the key after it: keys of different logs are different ones.
func (d digest) logKey() []byte {
	return d[atLog : fixedSize+int(binary.LittleEndian.Uint16(d[atLengths:]))]
}

// splitLogKey takes apart what logKey has put together.
func splitLogKey(text []byte) (log uint32, key []byte) {
	return binary.LittleEndian.Uint32(text), text[4:]
}

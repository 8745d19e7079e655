package decode

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strconv"
)

// ItemHeaderSize is the size of the header that 3.0 and later put before the RESP of a record.
const ItemHeaderSize = 34

// extraMagic is the first of the four arguments that 2.3 appends to every command.
const extraMagic = "__PIKA_X#$SKGI"

// Entry is one command of a record, with what its header says of it.
type Entry struct {
	Has      Fields
	LogicID  uint64
	Term     uint32
	ServerID uint32
	Time     int64 // unix seconds

	// At is the position that the item (3.0+) or the extra arguments (2.3) name: the end of the record
	// before, on a master. HasAt says that there is one.
	At    Position
	HasAt bool

	// Padding is an item or a record of nothing but filler; Wrapped one inside an item, as a client's
	// PADDING makes it in 3.5.2 and later. Empty is a record without any payload (3.3.0 to 3.3.5).
	Padding, Wrapped, Empty bool

	Argv    [][]byte // nil for filler of spaces, Wrapped and Empty
	Command *Command // what is known of it, nil for nothing
}

// parser takes payloads apart. Its slices are reused from record to record.
type parser struct {
	pika    Generation // what the user says that the payloads are; GenerationUnknown: what they show
	entries []Entry
	argv    [][]byte
}

// keepArgs is how many arguments the parser keeps room for: it is 1 MiB.
const keepArgs = 1 << 20 / 24

// forget lets go of the payload last parsed, and of room for very many arguments.
func (p *parser) forget() {
	clear(p.entries[:cap(p.entries)])
	p.entries = p.entries[:0]
	if cap(p.argv) > keepArgs {
		p.argv = nil
	}
	clear(p.argv[:cap(p.argv)])
	p.argv = p.argv[:0]
}

// parse reads the commands of a payload into p.entries. On an error at is the first bad byte of the
// payload.
func (p *parser) parse(payload []byte, generation Generation) (at int, err error) {
	p.entries, p.argv = p.entries[:0], p.argv[:0]
	switch {
	case len(payload) == 0:
		p.entries = append(p.entries, Entry{Empty: true})
		return 0, nil
	case p.pika != GenerationUnknown && (payload[0] == 1 && p.pika < G3 || payload[0] == '*' && p.pika >= G3):
		return 0, fmt.Errorf("%w: it starts with %#02x, as the given version of Pika writes no record", ErrBadItem, payload[0])
	case payload[0] == 1:
		if p.parsePlainItem(payload, generation) {
			return 0, nil
		}
		return p.parseItems(payload, generation)
	case payload[0] == '*':
		return p.parseArrays(payload)
	case allByte(payload, ' '):
		p.entries = append(p.entries, Entry{Padding: true})
		return 0, nil
	}
	return 0, fmt.Errorf("%w: it starts with %#02x, neither an item nor RESP", ErrBadItem, payload[0])
}

// parsePlainItem is the short way for what nearly every record is: one item with one command, and not
// padding. Where it is anything else, or not in order, nothing is done and false returned.
func (p *parser) parsePlainItem(b []byte, generation Generation) bool {
	if len(b) < ItemHeaderSize || b[1] != 0 || int(binary.LittleEndian.Uint32(b[30:])) != len(b)-ItemHeaderSize ||
		binary.LittleEndian.Uint32(b[2:]) == 0 {
		return false
	}
	content := b[ItemHeaderSize:]
	argc, start, cmd := shortName(content)
	if start == 0 {
		return false
	}
	argv, n, err := parseArgs(content, start, argc-1, append(p.argv, content[8:start-2:start-2]))
	if err != nil || n != len(content) {
		return false
	}
	p.argv = argv
	if cap(p.entries) == 0 {
		p.entries = make([]Entry, 0, 1)
	}
	p.entries = p.entries[:1]
	e := &p.entries[0]
	e.Padding, e.Wrapped, e.Empty = false, false, false
	e.Argv, e.Command = argv, cmd
	e.readHeader(b, generation)
	return true
}

// parseArrays reads the payload of 2.x: one RESP array or, from 2.3, one for each pair of an MSET.
func (p *parser) parseArrays(payload []byte) (int, error) {
	for at := 0; at < len(payload); {
		n, err := p.parseContent(payload[at:])
		if err != nil {
			return at + n, err
		}
		at += n
		e := p.last()
		if p.pika != G0 && p.pika != G1 {
			e.stripExtras()
		}
	}
	return 0, nil
}

// parseContent appends an entry with the RESP array at the start of b; n is its length, or where it
// is bad.
func (p *parser) parseContent(b []byte) (n int, err error) {
	first := len(p.argv)
	p.argv, n, err = parseCommand(b, p.argv)
	if err != nil {
		if bad, ok := err.(*respError); ok { //nolint:errorlint // parseCommand returns no wrapped errors
			n = bad.at
		}
		return n, err
	}
	argv := p.argv[first:len(p.argv):len(p.argv)]
	p.entries = append(p.entries, Entry{Argv: argv, Command: LookupCommand(argv[0])})
	return n, nil
}

func (p *parser) last() *Entry { return &p.entries[len(p.entries)-1] }

// parseItems reads the payload of 3.0 and later: one item, or several in a row for an MSET of 3.0.0 to
// 3.0.4. A header is, little-endian: u16 type, always 1; u32 time; u32 server id (3.0 to 3.2) or term;
// u64 logic id; u32 segment and u64 offset of the writer before the put; u32 content length.
func (p *parser) parseItems(payload []byte, generation Generation) (int, error) {
	for at := 0; at < len(payload); {
		b := payload[at:]
		if len(b) < ItemHeaderSize || b[0] != 1 || b[1] != 0 {
			return at, fmt.Errorf("%w: no item header", ErrBadItem)
		}
		size := int64(binary.LittleEndian.Uint32(b[30:]))
		if size > int64(len(b)-ItemHeaderSize) {
			return at + 30, fmt.Errorf("%w: content length is %d, %d bytes are there", ErrBadItem, size, len(b)-ItemHeaderSize)
		}
		header, content := b[:ItemHeaderSize], b[ItemHeaderSize:][:size]
		if n, err := p.parseItem(header, content, generation); err != nil {
			return at + ItemHeaderSize + n, err
		}
		at += ItemHeaderSize + int(size)
	}
	return 0, nil
}

func (p *parser) parseItem(header, content []byte, generation Generation) (int, error) {
	parse := p.parseWhole
	if len(content) >= 2 && content[0] == 1 && content[1] == 0 {
		parse = p.parseWrapped
	}
	if n, err := parse(content); err != nil {
		return n, err
	}
	e := p.last()
	if isPadding(header, e) {
		e.Padding = true
		return 0, nil
	}
	e.readHeader(header, generation)
	return 0, nil
}

// parseWhole reads content that is one RESP array.
func (p *parser) parseWhole(content []byte) (int, error) {
	n, err := p.parseContent(content)
	if err == nil && n < len(content) {
		err = fmt.Errorf("%w: %d bytes after the last argument", ErrBadItem, len(content)-n)
	}
	return n, err
}

// parseWrapped reads the item inside an item that a client's PADDING is from 3.5.2 on. It goes no deeper,
// and takes nothing but padding: a command in there would be passed over.
func (p *parser) parseWrapped(b []byte) (int, error) {
	if len(b) < ItemHeaderSize || int64(binary.LittleEndian.Uint32(b[30:])) != int64(len(b)-ItemHeaderSize) {
		return 0, fmt.Errorf("%w: the item inside it has another length", ErrBadItem)
	}
	if n, err := p.parseWhole(b[ItemHeaderSize:]); err != nil {
		return ItemHeaderSize + n, err
	}
	e := p.last()
	if !isPadding(b, e) {
		return 0, fmt.Errorf("%w: the item inside it is not padding", ErrBadItem)
	}
	*e = Entry{Padding: true, Wrapped: true}
	return 0, nil
}

// isPadding recognises a padding item: nothing in its header but the length, and the command's name.
func isPadding(header []byte, e *Entry) bool {
	return allZero(header[2:30]) && e.Command != nil && e.Command.Name == "padding"
}

// ReadItemHeader reads the 34 bytes that an item of Pika 3.0 or later begins with, and nothing of what follows. ok is false for
// bytes that are no such header.
func ReadItemHeader(b []byte) (e Entry, ok bool) {
	if len(b) < ItemHeaderSize || b[0] != 1 || b[1] != 0 {
		return e, false
	}
	e.readHeader(b, GenerationUnknown)
	return e, true
}

// readHeader takes the fields out of an item header. What is at byte 6 only the version tells.
func (e *Entry) readHeader(b []byte, generation Generation) {
	e.Time = int64(binary.LittleEndian.Uint32(b[2:]))
	third := binary.LittleEndian.Uint32(b[6:])
	e.LogicID = binary.LittleEndian.Uint64(b[10:])
	e.At = Position{Segment: binary.LittleEndian.Uint32(b[18:]), Offset: int64(binary.LittleEndian.Uint64(b[22:]))}
	e.HasAt = true
	e.Has = HasTime | HasLogicID
	switch {
	case generation == G3:
		e.ServerID, e.Term = third, 0
		e.Has |= HasServerID
	case third > 0:
		e.ServerID, e.Term = 0, third
		e.Has |= HasTerm
	default:
		e.ServerID, e.Term = 0, 0 // without consensus there is no term
	}
}

// stripExtras takes off the four arguments of 2.3, if they are there: the magic, the server id as text, 16
// bytes of time and position (empty on a writable slave, "X" from a hub), and the hub flag.
func (e *Entry) stripExtras() {
	n := len(e.Argv)
	if n < 5 || string(e.Argv[n-4]) != extraMagic {
		return
	}
	if id, err := strconv.ParseUint(string(e.Argv[n-3]), 10, 32); err == nil {
		e.ServerID = uint32(id)
		e.Has |= HasServerID
	}
	if info := e.Argv[n-2]; len(info) == 16 {
		e.Time = int64(binary.LittleEndian.Uint32(info))
		e.Has |= HasTime
		e.At = Position{Segment: binary.LittleEndian.Uint32(info[4:]), Offset: int64(binary.LittleEndian.Uint64(info[8:]))}
		e.HasAt = true
	}
	e.Argv = e.Argv[:n-4]
}

// nowhere is the position of a payload that names none.
var nowhere = Position{Offset: -1}

// claims reports whether a payload parses, or the beginning of one looks as if it would, and which
// position it says it is at, or nowhere.
func (p *parser) claims(payload []byte, whole bool) (Position, bool) {
	if whole {
		if payload[0] == ' ' {
			return nowhere, false
		}
		if _, err := p.parse(payload, GenerationUnknown); err != nil {
			return nowhere, false
		}
		if e := p.entries[0]; e.HasAt {
			return e.At, true
		}
		return nowhere, true
	}
	if len(payload) >= ItemHeaderSize && payload[0] == 1 && payload[1] == 0 {
		var e Entry
		e.readHeader(payload, GenerationUnknown)
		return e.At, len(payload) == ItemHeaderSize || payload[ItemHeaderSize] == '*'
	}
	return nowhere, bytes.HasPrefix(payload, []byte("*"))
}

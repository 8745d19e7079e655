package decode

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
	"unicode/utf8"
)

// DecoderOptions say how records become changes. The zero value is the default.
type DecoderOptions struct {
	// All makes events of what changes nothing too: padding, empty records, reads logged by mistake, and
	// in sharding mode the keys of other slots.
	All bool

	// Renamed gives for the lower-case names that a server's rename-command has made (360flushdb) the
	// command's own name (flushdb).
	Renamed map[string]string

	// Keyed gives for the lower-case names of commands that are not known which argument is the key.
	Keyed map[string]int

	// Pika overrides what the bytes say about the version, and Before35 says that it is older than 3.5.
	Pika     Generation
	Before35 bool
}

// Decoder turns records into changes: Decode takes a record apart, then Next gives its changes one by
// one. It belongs to one goroutine.
type Decoder struct {
	_       apart
	options DecoderOptions
	renamed map[string]*Command
	names   map[string]string
	parser  parser

	rec   *Record
	span  *Span
	form  Generation // of the span, or the user's
	entry int        // the entry that Next is at, and the part of its command
	part  int
	parts uint32 // of the record, 0 if it is one event
	given uint32 // parts that Next has given

	passed uint64
	_      apart
}

// apart keeps what is written with every record out of the cache lines of its neighbours in memory, which may be
// another goroutine's. It is two lines long, since CPUs fetch them in pairs.
type apart [128]byte

// NewDecoder makes a decoder. It fails on a renaming to a command that pikabin does not know, and on a key of one that it knows.
func NewDecoder(o DecoderOptions) (*Decoder, error) {
	d := &Decoder{options: o, names: map[string]string{}, renamed: map[string]*Command{}}
	d.parser.pika = o.Pika
	for from, to := range o.Renamed {
		cmd := LookupCommand([]byte(to))
		switch {
		case from == "":
			return nil, fmt.Errorf("renamed command =%s: the name that the server has for it is missing", to)
		case cmd == nil:
			return nil, fmt.Errorf("renamed command %s=%s: no such command as %s", from, to, to)
		}
		d.renamed[strings.ToLower(from)] = cmd
	}
	for name, at := range o.Keyed {
		switch {
		case name == "":
			return nil, fmt.Errorf("key of a command is argument %d: the name of the command is missing", at)
		case at < 1:
			return nil, fmt.Errorf("key of the command %s is argument %d: expected a number from 1 on", name, at)
		case LookupCommand([]byte(name)) != nil:
			return nil, fmt.Errorf("key of the command %s: it is known, and so are its keys", name)
		}
	}
	return d, nil
}

// Passed is how many records and commands have been passed over because they change nothing.
func (d *Decoder) Passed() uint64 { return d.passed }

// Entries are the commands of the record last decoded, valid until the next Decode.
func (d *Decoder) Entries() []Entry { return d.parser.entries }

// Decode takes a record of span apart. The error is a *CorruptError that names the first byte which does
// not fit; the record then gives no changes. Everything is valid until the next Decode, and as long as
// rec is.
func (d *Decoder) Decode(span *Span, rec *Record) error {
	d.rec, d.span = rec, span
	d.entry, d.part, d.parts, d.given = 0, 0, 0, 0
	if rec.Filler {
		d.parser.entries = append(d.parser.entries[:0], Entry{Padding: true})
		return nil
	}
	d.form = span.Generation
	if d.options.Pika != GenerationUnknown {
		d.form = d.options.Pika
	}
	if at, err := d.parser.parse(rec.Payload, d.form); err != nil {
		d.parser.entries = d.parser.entries[:0]
		return &CorruptError{Segment: span.Segment, Offset: rec.At(at), Err: err}
	}
	entries := d.parser.entries
	if len(entries) == 1 && entries[0].Command != nil && entries[0].Command.keys == oneKey {
		return nil
	}
	if err := d.resolve(); err != nil {
		d.parser.entries = entries[:0]
		return &CorruptError{Segment: span.Segment, Offset: rec.Offset, Err: err}
	}
	d.countParts()
	return nil
}

// Forget lets go of the record last decoded, and of the memory that many arguments have taken. Changes of it are not valid any more.
func (d *Decoder) Forget() {
	d.rec, d.span = nil, nil
	d.parser.forget()
}

var errNameNotText = errors.New("the name of a command is not text")

// resolve looks the names that no command has among the renamed ones, and refuses those that no format
// could carry.
func (d *Decoder) resolve() error {
	for i := range d.parser.entries {
		e := &d.parser.entries[i]
		if e.Command != nil || len(e.Argv) == 0 {
			continue
		}
		if len(d.renamed) > 0 {
			e.Command = d.renamed[string(bytes.ToLower(e.Argv[0]))]
		}
		if e.Command == nil && !utf8.Valid(e.Argv[0]) {
			return fmt.Errorf("%w: %w", ErrBadRESP, errNameNotText)
		}
	}
	return nil
}

// countParts counts the events of a record that can have several.
func (d *Decoder) countParts() {
	for i := range d.parser.entries {
		e := &d.parser.entries[i]
		if d.silent(e) {
			continue
		}
		for part := range e.parts() {
			if d.ours(e, part) {
				d.parts++
			}
		}
	}
	if d.parts == 1 {
		d.parts = 0
	}
}

// parts is the number of events that an entry's command becomes.
func (e *Entry) parts() int {
	if e.Command == nil {
		return 1
	}
	return e.Command.Parts(e.Argv)
}

// silent reports whether an entry changes nothing and is not asked for.
func (d *Decoder) silent(e *Entry) bool {
	return !d.options.All && (e.Padding || e.Empty || e.Command != nil && e.Command.NoEffect)
}

// ours reports whether a part of a multi-key command is of this log's slot. In sharding mode DEL and
// MSET stand whole in the log of each slot that owns one of their keys.
func (d *Decoder) ours(e *Entry, part int) bool {
	log := d.span.Log
	if log == nil || log.Slots == 0 || d.options.All || e.parts() == 1 {
		return true
	}
	key := e.Argv[1+part]
	if e.Command.keys == pairs {
		key = e.Argv[1+2*part]
	}
	return SlotOf(key, log.Slots) == log.Slot
}

// SlotOf is the slot that owns a key in the sharding mode of 3.1 to 3.4: the CRC-32 of the key, or of what
// is between the first { and the next }, modulo the number of slots.
func SlotOf(key []byte, slots int) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if size := bytes.IndexByte(key[open+1:], '}'); size >= 0 {
			key = key[open+1:][:size]
		}
	}
	return int(crc32.ChecksumIEEE(key) % uint32(slots))
}

// Next puts the next change of the record into c, and reports whether there was one. It sets all fields
// of c. The slices of c point into the record, and into arrays of c that are used again.
func (d *Decoder) Next(c *Change) bool {
	for d.entry < len(d.parser.entries) {
		e := &d.parser.entries[d.entry]
		part := d.part
		if d.part++; d.part >= e.parts() {
			d.entry, d.part = d.entry+1, 0
		}
		if d.silent(e) || !d.ours(e, part) {
			d.passed++
			continue
		}
		d.fill(c, e, part)
		return true
	}
	return false
}

// fill makes a change of one part of an entry's command.
func (d *Decoder) fill(c *Change, e *Entry, part int) {
	c.Log, c.Segment, c.Offset, c.End = d.span.Log, d.span.Segment, d.rec.Offset, d.rec.End
	c.Epoch = d.span.Epoch
	c.Part, c.Parts = d.given, d.parts
	d.given++
	c.Has, c.LogicID, c.Term, c.ServerID, c.Time = e.Has, e.LogicID, e.Term, e.ServerID, e.Time
	c.Before35 = d.options.Before35 || d.span.Before35 || e.Has&(HasLogicID|HasServerID) != HasLogicID
	if c.Has&HasTime == 0 && d.rec.HeaderSize == 8 && !e.Padding {
		c.Has |= HasTime
		c.Time = d.rec.Time
	}
	c.From, c.To, c.Reason = Position{}, Position{}, ""
	c.Argv = e.Argv
	if e.Command != nil {
		e.Command.Build(c, e.Argv, part)
		if e.Command.drops != dropsNever {
			e.Command.dropDeadline(c, eraOf(e, d.form, d.options.Before35 || d.span.Before35))
		}
		if len(d.renamed) > 0 {
			c.Cmd = d.name(e.Argv[0])
		}
		return
	}
	BuildOther(c, e.Argv)
	c.Cmd = ""
	switch {
	case len(e.Argv) > 0:
		c.Cmd = d.name(e.Argv[0])
		if at := d.options.Keyed[c.Cmd]; at > 0 && at < len(e.Argv) {
			c.Key = e.Argv[at]
		}
	case e.Padding:
		c.Cmd = "padding"
	}
}

// maxNames and maxName bound the names kept, so that a log full of made-up ones costs no memory.
const (
	maxNames = 4096
	maxName  = 64
)

// name gives the lower-case name of a command that is not in the table under that name.
func (d *Decoder) name(b []byte) string {
	if s, ok := d.names[string(b)]; ok {
		return s
	}
	s := strings.ToLower(string(b))
	if len(d.names) < maxNames && len(b) <= maxName {
		d.names[string(b)] = s
	}
	return s
}

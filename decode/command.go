package decode

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// Command is what pikabin knows of one command of the log. Every command that a Pika has ever logged
// has one, and all are shared: read them only.
type Command struct {
	Name   string // lower case
	Op     Op
	Type   Type
	Effect Effect // of the plain form; options such as NX or MAXLEN can make one event less exact

	// NoEffect marks what changes no data: padding, a leader's no-op, reads and administration that
	// were logged all the same. They are not events unless asked for.
	NoEffect bool

	drops drops // which servers' form of it drops the deadline of a key

	min, max int // how many arguments it takes, its name included
	keys     keyPattern
	build    builder
	number   int    // its place in the table
	lo, hi   uint64 // foldName of Name
}

// keyPattern says which arguments of a command are keys that become an event each.
type keyPattern uint8

const (
	oneKey  keyPattern = iota
	allKeys            // each argument: del, unlink
	pairs              // each other argument: mset, msetnx
)

// builder fills the fields of c which Build has cleared, from arguments of a valid number. It
// reports false for arguments that the command cannot have; what it has filled by then does not matter.
type builder func(c *Change, argv [][]byte, key int) bool

// many is the max of a command with any number of arguments.
const many = math.MaxInt

// Commands lists all known commands by name.
func Commands() []*Command {
	all := make([]*Command, len(commandTable))
	for i := range commandTable {
		all[i] = &commandTable[i]
	}
	slices.SortFunc(all, func(a, b *Command) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// Parts is the number of events that one logged command becomes: one for each key of del, unlink,
// mset and msetnx, else 1. It is 1 for arguments that the command cannot have, too.
func (cmd *Command) Parts(argv [][]byte) int {
	switch {
	case cmd.keys == oneKey || len(argv) < cmd.min:
		return 1
	case cmd.keys == allKeys:
		return len(argv) - 1
	case len(argv)%2 == 0:
		return 1
	}
	return len(argv) / 2
}

// Build fills in what the arguments say: Cmd, Op, Type, Effect, Precision, Key, Value, Elements,
// EntryID, Delta, ExpireAt with HasExpireAt, Scope, Args and KeyIndex, each of them always, so that
// nothing of the record before is left. argv is the whole command with its name, and its empty
// arguments are not nil. key is from 0 to Parts-1. Time, with HasTime, must be there already: the
// deadline of a relative time is counted from it. What c holds afterwards points into argv's
// arguments, Elements into argv itself; Args keeps its backing array from call to call.
//
// Build knows no versions: the deadlines that only some of them drop are the Decoder's to say.
//
// Nothing of the command is lost: each argument is in a typed field or in Args, in their order. The
// only field that is not the text of its argument is ExpireAt. The argument that it came from
// is in Args as well unless ExpireAt, Precision and Time give its exact text back, which they
// do but for text such as 010, for times outside the range of ExpireAt and for a relative time in a log
// without times.
//
// Arguments that the command cannot have (a wrong number of them, half a pair, a score that is no
// number) are not an error: the event is what BuildOther makes of them.
func (cmd *Command) Build(c *Change, argv [][]byte, key int) {
	c.Cmd = cmd.Name
	if len(argv) < cmd.min || len(argv) > cmd.max {
		BuildOther(c, argv)
		return
	}
	clearFields(c)
	c.Op, c.Type, c.Effect, c.KeyIndex = cmd.Op, cmd.Type, cmd.Effect, key
	if !cmd.build(c, argv, key) {
		BuildOther(c, argv)
		return
	}
	c.command = cmd
}

// BuildOther fills the same fields as Build, but for Cmd, for a command that is not known or cannot
// be understood: all its arguments, less the name, are in Args.
func BuildOther(c *Change, argv [][]byte) {
	clearFields(c)
	c.Op, c.Type, c.Effect, c.KeyIndex = OpOther, TypeNone, EffectUnknown, 0
	c.Args = append(c.Args, argv[min(1, len(argv)):]...)
}

func clearFields(c *Change) {
	c.Has &^= HasExpireAt
	c.Precision = PrecisionNone
	c.ExpireAt = 0
	c.Key, c.Value, c.EntryID, c.Delta = nil, nil, nil, nil
	c.Elements, c.Args = Elements{}, c.Args[:0]
	c.Scope = ""
	c.command = nil
}

// CommandNames lists the commands that are known, in the order of the table.
func CommandNames() []string {
	names := make([]string, len(commandTable))
	for i := range commandTable {
		names[i] = commandTable[i].Name
	}
	return names
}

// LookupCommand finds a command by its name in any letter case; nil if it is not known. It allocates
// nothing.
func LookupCommand(name []byte) *Command {
	lo, hi := foldName(name)
	return lookup(lo, hi, name)
}

// lookupWord is LookupCommand for a name of at most eight bytes, of which word holds the first eight
// and whatever follows: one load and no branch on the length, for the hot path.
func lookupWord(word uint64, name []byte) *Command {
	return lookup(word&(1<<(8*len(name))-1)|lowerCase, lowerCase, name)
}

func lookup(lo, hi uint64, name []byte) *Command {
	for i := slotOf(lo, hi); ; i++ {
		cmd := commandIndex[i%indexSlots]
		if cmd == nil {
			return nil
		}
		if cmd.lo == lo && cmd.hi == hi && len(cmd.Name) == len(name) {
			if len(name) > 16 && !bytes.EqualFold(name, []byte(cmd.Name)) {
				return nil
			}
			return cmd
		}
	}
}

// commandIndex is an open hash of commandTable, with some twelve slots for each command so that nearly
// all of them are found at once.
var commandIndex = newCommandIndex()

const indexSlots = 1024

func newCommandIndex() *[indexSlots]*Command {
	var index [indexSlots]*Command
	for i := range commandTable {
		cmd := &commandTable[i]
		cmd.number = i
		cmd.lo, cmd.hi = foldName([]byte(cmd.Name))
		at := slotOf(cmd.lo, cmd.hi)
		for index[at%indexSlots] != nil {
			at++
		}
		index[at%indexSlots] = cmd
	}
	return &index
}

// slotOf multiplies by the golden ratio and takes the top bits of the product.
func slotOf(lo, hi uint64) uint64 {
	return (lo ^ hi<<1) * 0x9e3779b97f4a7c15 >> (64 - 10)
}

// lowerCase is bit 5 of each byte: it makes a lower-case letter of a letter, and a letter of nothing else. It
// confuses a hyphen with a carriage return, but the one name with a hyphen is longer than 16.
const lowerCase = 0x2020202020202020

// foldName takes the first eight bytes of a name and, of a longer one, the last eight, in lower case. Together
// they are all of it up to a length of 16.
func foldName(name []byte) (lo, hi uint64) {
	n := len(name)
	if n < 8 {
		for i, b := range name {
			lo |= uint64(b) << (8 * i)
		}
		return lo | lowerCase, lowerCase
	}
	lo = binary.LittleEndian.Uint64(name)
	if n > 8 {
		hi = binary.LittleEndian.Uint64(name[n-8:])
	}
	return lo | lowerCase, hi | lowerCase
}

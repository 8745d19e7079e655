package decode

import "slices"

// Log says whose log a change was read from. One Log is shared by all the changes of that log.
type Log struct {
	DB    string // "db0"; the one DB of Pika up to 3.0 is "db0" too
	Slot  int    // slot number in the sharding mode of Pika 3.1 to 3.4, else -1
	Slots int    // how many slots that DB has there, 0 when that is not known or there are none
}

// FirstDB is the DB that a stream starts in without being told.
const FirstDB = "db0"

// Op says what a change does to its key.
type Op uint8

// The ops. OpGap, OpCorrupt and OpRewritten are not commands: a range of the log is missing, is
// damaged, or had its history replaced; Change.From, To and Reason say which and why.
const (
	OpOther Op = iota
	OpSet
	OpUpdate
	OpRemove
	OpDelete
	OpExpire
	OpPersist
	OpStore
	OpFlush
	OpGap
	OpCorrupt
	OpRewritten
)

var opNames = [...]string{
	"other", "set", "update", "remove", "delete", "expire", "persist", "store", "flush", "gap", "corrupt", "rewritten",
}

// String is the name that events carry.
func (o Op) String() string { return opNames[o] }

// Type is the data type a command works on.
type Type uint8

// The types. TypeNone stands for commands on keys of any type, or on no key.
const (
	TypeNone Type = iota
	TypeString
	TypeHash
	TypeList
	TypeSet
	TypeZset
	TypeStream
	TypeHLL
	TypeGeo
	TypeBitmap
)

var typeNames = [...]string{"", "string", "hash", "list", "set", "zset", "stream", "hll", "geo", "bitmap"}

// String is the name that events carry, "" for TypeNone.
func (t Type) String() string { return typeNames[t] }

// TypeNames lists the names of the types.
func TypeNames() []string { return slices.Clone(typeNames[TypeString:]) }

// OpNames lists the names of the ops of commands.
func OpNames() []string { return slices.Clone(opNames[:OpGap]) }

// Effect says how much of what happened the event alone tells.
type Effect uint8

// EffectExact: the event says the resulting state of what it names, so that applying it twice is
// harmless. EffectRelative: the result follows from the state before. EffectUnknown: the log does
// not say what happened.
const (
	EffectExact Effect = iota
	EffectRelative
	EffectUnknown
)

var effectNames = [...]string{"exact", "relative", "unknown"}

// String is the name that events carry.
func (e Effect) String() string { return effectNames[e] }

// Precision says how far Change.ExpireAt can be trusted.
type Precision uint8

// PrecisionNone goes with a deadline of 0 (no expiry). PrecisionDerived is a relative time added to
// the time of the record, off by up to a second.
const (
	PrecisionNone Precision = iota
	PrecisionSeconds
	PrecisionMillis
	PrecisionDerived
)

var precisionNames = [...]string{"", "s", "ms", "derived"}

// String is the name that events carry, "" for PrecisionNone.
func (p Precision) String() string { return precisionNames[p] }

// Fields is the set of those optional fields of a Change that have a value and no other way to
// say so.
type Fields uint8

// The members of Fields.
const (
	HasLogicID Fields = 1 << iota
	HasTerm
	HasServerID
	HasTime
	HasExpireAt
)

// Change is one event: a command of the log, or one key of a multi-key command. A byte slice that
// is nil is absent. All slices point into buffers that are overwritten by the next record: valid
// until then.
type Change struct {
	Log     *Log
	Segment uint32
	Offset  int64 // of the record's first physical header
	End     int64 // of the byte after the record; Segment:End is the position to resume from

	// Epoch is how often the history of the log was replaced before this event, as far as is known.
	Epoch uint32

	// Part counts the events of one record from 0 to Parts-1. Parts is 0 for a record that is one event.
	Part, Parts uint32

	// Before35 says that the server is known to be older than 3.5.
	Before35 bool

	Has      Fields
	LogicID  uint64
	Term     uint32
	ServerID uint32
	Time     int64 // unix seconds

	Op        Op
	Type      Type
	Effect    Effect
	Precision Precision

	Cmd      string // lower case, interned for known commands; always valid UTF-8
	Key      []byte
	Value    []byte
	Elements Elements
	EntryID  []byte // stream entry id, printable ASCII
	Delta    []byte // what is added to a counter or a score, signed, in the digits of its argument; printable ASCII
	ExpireAt int64  // unix milliseconds, 0 for no expiry
	Scope    string // "instance" for a flushall that emptied every DB
	Args     [][]byte

	From, To Position // the range, for OpGap, OpCorrupt and OpRewritten
	Reason   string

	// Argv is the whole command as logged, its name included and Pika 2.3's extra arguments not. It is
	// the same for all the parts of one command; KeyIndex tells these apart, from 0.
	Argv     [][]byte
	KeyIndex int

	command *Command // nil for one that is not known, or that has arguments which it cannot have
	negated []byte   // room for a Delta that no argument is
}

// Understood reports whether the fields were filled by a command that is known, from arguments that it can have.
func (c *Change) Understood() bool { return c.command != nil }

// OtherKeys are the keys besides Key that the command takes something from, or may: the source of a move, and those of a pop that waits
// for any of its keys.
func (c *Change) OtherKeys() [][]byte {
	switch {
	case len(c.Args) == 0:
	case c.Op == OpStore && (c.Name() == "rpoplpush" || c.Name() == "smove"):
		return c.Args[:1]
	case c.Effect == EffectUnknown && (c.Name() == "blpop" || c.Name() == "brpop"):
		return c.Args[:len(c.Args)-1]
	}
	return nil
}

// Name is Pika's own name of the command in lower case, where Cmd may be one that a server's rename-command has made.
func (c *Change) Name() string {
	if c.command == nil {
		return c.Cmd
	}
	return c.command.Name
}

// Number is the place in CommandNames of the name that Cmd is. It is -1 for a command that is not understood, or not called so by its server.
func (c *Change) Number() int {
	if c.command == nil || c.command.Name != c.Cmd {
		return -1
	}
	return c.command.number
}

// ShownArgs are the arguments that an event shows: those that no other field holds, or with all every one. Of a
// multi-key command only the first part then has them: in each, they would grow with the square of the number of keys.
func (c *Change) ShownArgs(all bool) [][]byte {
	if all && len(c.Argv) > 0 && c.KeyIndex == 0 {
		return c.Argv[1:]
	}
	return c.Args
}

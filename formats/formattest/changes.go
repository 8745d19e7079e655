package formattest

import (
	"fmt"
	"math"
	"strings"

	"pikabin/decode"
)

// Case is a change that an encoder may stumble over.
type Case struct {
	Name string
	*decode.Change
}

var testLog = &decode.Log{DB: "db0", Slot: -1}

// Changes are the cases that every format is run over, new ones on each call.
func Changes() []Case {
	var cases []Case
	add := func(name string, change func(c *decode.Change)) {
		c := ordinaryChange()
		change(c)
		cases = append(cases, Case{name, c})
	}
	addHeaders(add)
	addTexts(add)
	addElements(add)
	addCommands(add)
	addRanges(add)
	return cases
}

// ordinaryChange is what the cases start from. Each call gives memory of its own.
func ordinaryChange() *decode.Change {
	return &decode.Change{
		Log: testLog, Segment: 12, Offset: 4096, End: 4196,
		Has:     decode.HasLogicID | decode.HasTerm | decode.HasServerID | decode.HasTime,
		LogicID: 41, Term: 2, ServerID: 1, Time: 1795360730,
		Op: decode.OpSet, Type: decode.TypeString, Cmd: "set",
		Key: []byte("key"), Value: []byte("value"),
		Argv: Argv("SET", "key", "value"),
	}
}

// Argv is a command.
func Argv(args ...string) [][]byte {
	list := make([][]byte, len(args))
	for i, arg := range args {
		list[i] = []byte(arg)
	}
	return list
}

type addFunc func(name string, change func(c *decode.Change))

func addHeaders(add addFunc) {
	add("ordinary", func(*decode.Change) {})
	add("no optional header field", func(c *decode.Change) { c.Has = 0 })
	for _, has := range []decode.Fields{decode.HasLogicID, decode.HasTerm, decode.HasServerID, decode.HasTime, decode.HasExpireAt} {
		add(fmt.Sprintf("only header field %#x", has), func(c *decode.Change) { c.Has = has })
	}
	add("all numbers zero", func(c *decode.Change) {
		*c = decode.Change{Log: &decode.Log{DB: "db0"}, Has: 0xff, Cmd: "set", Argv: Argv("set")}
	})
	add("all numbers at their largest", func(c *decode.Change) {
		c.Log = &decode.Log{DB: "db15", Slot: 1023}
		c.Segment, c.Offset, c.End, c.Epoch = math.MaxUint32, math.MaxInt64, math.MaxInt64, math.MaxUint32
		c.Part, c.Parts = math.MaxUint32-1, math.MaxUint32
		c.LogicID, c.Term, c.ServerID = math.MaxUint64, math.MaxUint32, math.MaxUint32
		c.Has, c.Time, c.ExpireAt, c.Precision = 0xff, math.MaxInt64, math.MaxInt64, decode.PrecisionMillis
	})
	add("negative times", func(c *decode.Change) {
		c.Has, c.Time, c.ExpireAt, c.Precision = 0xff, math.MinInt64, -1, decode.PrecisionDerived
	})
	for _, n := range []int64{9, 10, 99999999, 100000000, 1 << 53, 9999999999999999} {
		add(fmt.Sprintf("offset %d", n), func(c *decode.Change) { c.Offset, c.End = n, n+1 })
	}
	add("the second history of a log", func(c *decode.Change) { c.Epoch = 1 })
	add("slot 0", func(c *decode.Change) { c.Log = &decode.Log{DB: "db1", Slot: 0, Slots: 8} })
	add("a name of a DB with quotes and controls", func(c *decode.Change) { c.Log = &decode.Log{DB: "d\"b\\\x01", Slot: -1} })
	add("a name of a DB that is not UTF-8", func(c *decode.Change) { c.Log = &decode.Log{DB: "db\xff", Slot: -1} })
	add("a name of a DB longer than caches", func(c *decode.Change) { c.Log = &decode.Log{DB: strings.Repeat("long", 300), Slot: 3} })
}

func addTexts(add addFunc) {
	texts := []struct{ name, text string }{
		{"empty", ""},
		{"binary", "\x80\x01\xff\xfe"},
		{"NUL", "\x00"},
		{"quotes and backslashes", `"a\b"\\""`},
		{"control characters with a letter", "\b\f\n\r\t"},
		{"all control characters", "\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"},
		{"delete and line separators", "\x7f\u2028\u2029</script>&"},
		{"multi-byte UTF-8", "h\u00e9 \u4e16\u754c \U0001f600"},
		{"multi-byte UTF-8 cut short", "\u4e16\u754c"[:5]},
		{"a surrogate", "\xed\xa0\x80"},
		{"overlong", "\xc0\xaf"},
		{"beyond Unicode", "\xf4\x90\x80\x80"},
		{"a late invalid byte", strings.Repeat("clean text ", 20) + "\xff"},
		{"an invalid byte before a control character", strings.Repeat("x", 100) + "\xff\x01" + strings.Repeat("y", 100)},
		{"a long text of quotes", strings.Repeat(`"`, 5000)},
		{"a long text of rare controls", strings.Repeat("\x01", 200)},
		{"long valid UTF-8 with a rare control", strings.Repeat("\u00e9", 99) + "\x01" + strings.Repeat("\u4e16", 99)},
		{"1 MiB", strings.Repeat("0123456789abcde\n", 1<<16)},
		{"1 MiB, binary", strings.Repeat("\x00\x80binary", 1<<17)},
	}
	for _, t := range texts {
		add("value: "+t.name, func(c *decode.Change) { c.Value, c.Argv[2] = []byte(t.text), []byte(t.text) })
	}
	for _, t := range texts[:12] {
		add("key: "+t.name, func(c *decode.Change) { c.Key, c.Argv[1] = []byte(t.text), []byte(t.text) })
		add("args: "+t.name, func(c *decode.Change) { c.Args = Argv("a", t.text, "b") })
		add("field: "+t.name, func(c *decode.Change) { c.Elements = decode.ElementsOf(decode.Element{Field: []byte(t.text)}) })
	}
	for n := range 40 {
		add(fmt.Sprintf("a clean text of %d bytes", n), func(c *decode.Change) { c.Value = []byte(strings.Repeat("x", n)) })
	}
}

func addElements(add addFunc) {
	add("every combination of absent and empty parts", func(c *decode.Change) {
		parts := [][]byte{nil, {}, []byte("1.5")}
		var list []decode.Element
		for _, field := range parts {
			for _, value := range parts {
				for _, score := range parts {
					list = append(list, decode.Element{Field: field, Value: value, Score: score})
				}
			}
		}
		c.Elements = decode.ElementsOf(list...)
	})
	add("1000 elements of nothing", func(c *decode.Change) {
		c.Elements = decode.ElementsOf(make([]decode.Element, 1000)...)
		c.Has, c.ExpireAt, c.Precision = 0xff, math.MaxInt64, decode.PrecisionDerived
	})
	add("elements and no value", func(c *decode.Change) {
		c.Op, c.Type, c.Cmd, c.Value = decode.OpUpdate, decode.TypeHash, "hmset", nil
		c.Elements = decode.ElementsOf(decode.Element{Field: []byte("f\xff"), Value: []byte("v\n")}, decode.Element{Field: []byte("g"), Value: []byte{}})
		c.Argv = Argv("hmset", "key", "f\xff", "v\n", "g", "")
	})
	add("empty lists", func(c *decode.Change) { c.Elements, c.Args = decode.ElementsOf(), [][]byte{} })
	add("an absent argument", func(c *decode.Change) { c.Args = [][]byte{nil} })
	add("512 arguments", func(c *decode.Change) {
		c.Op, c.Type, c.Cmd, c.Value = decode.OpOther, decode.TypeNone, "unknown", nil
		c.Argv = Argv("UNKNOWN")
		for i := range 512 {
			c.Args = append(c.Args, fmt.Appendf(nil, "argument %d", i))
		}
		c.Argv = append(c.Argv, c.Args...)
	})
}

func addCommands(add addFunc) {
	add("no key and no arguments", func(c *decode.Change) {
		c.Op, c.Type, c.Cmd, c.Key, c.Value, c.Scope = decode.OpFlush, decode.TypeNone, "flushall", nil, nil, "instance"
		c.Argv = Argv("FLUSHALL")
	})
	add("a renamed flushdb", func(c *decode.Change) {
		c.Op, c.Type, c.Cmd, c.Key, c.Value = decode.OpFlush, decode.TypeNone, "360flushdb", nil, nil
		c.Argv = Argv("360flushdb")
	})
	add("a command's name that needs escapes", func(c *decode.Change) { c.Cmd = "\x00\"\u00e9" })
	add("an empty name", func(c *decode.Change) { c.Cmd, c.Argv = "", Argv("") })
	add("a name longer than caches", func(c *decode.Change) { c.Cmd = strings.Repeat("name", 200) })
	add("stream entry", func(c *decode.Change) {
		c.Op, c.Type, c.Cmd, c.EntryID = decode.OpUpdate, decode.TypeStream, "xadd", []byte("1526919030474-55")
	})
	add("delta of a counter", func(c *decode.Change) {
		c.Op, c.Cmd, c.Delta, c.Effect = decode.OpUpdate, "decrby", []byte("-7"), decode.EffectRelative
	})
	add("empty id and delta", func(c *decode.Change) { c.EntryID, c.Delta = []byte{}, []byte{} })
	for i := range uint32(3) {
		add(fmt.Sprintf("part %d of a del", i), func(c *decode.Change) {
			c.Op, c.Type, c.Cmd, c.Value, c.Part, c.Parts = decode.OpDelete, decode.TypeNone, "del", nil, i, 3
			c.Argv, c.KeyIndex = Argv("DEL", "k0", "k1", "k2"), int(i)
			c.Key = c.Argv[1+i]
		})
	}
	for op := decode.OpOther; op <= decode.OpFlush; op++ {
		for typ := decode.TypeNone; typ <= decode.TypeBitmap; typ++ {
			add(op.String()+" of type "+typ.String(), func(c *decode.Change) {
				c.Op, c.Type, c.Effect = op, typ, decode.Effect(uint8(typ)%3)
			})
		}
	}
}

func addRanges(add addFunc) {
	for _, op := range []decode.Op{decode.OpGap, decode.OpCorrupt, decode.OpRewritten} {
		for _, slot := range []int{-1, 7} {
			add(fmt.Sprintf("%v in slot %d", op, slot), func(c *decode.Change) {
				*c = decode.Change{Log: &decode.Log{DB: "db0", Slot: slot}, Segment: 14, Op: op, Reason: "write2file13 is \"gone\"\n"}
				c.From = decode.Position{Segment: 12, Offset: 104857612}
				c.To = decode.Position{Segment: 14}
				c.Epoch = uint32(slot + 1)
			})
		}
	}
}

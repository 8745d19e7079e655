package decode

import (
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// item is an item header with all its fields, before content.
func item(content []byte) []byte {
	b := []byte{1, 0}
	b = binary.LittleEndian.AppendUint32(b, 1700000000)
	b = binary.LittleEndian.AppendUint32(b, 7)
	b = binary.LittleEndian.AppendUint64(b, 42)
	b = binary.LittleEndian.AppendUint32(b, 3)
	b = binary.LittleEndian.AppendUint64(b, 4096)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(content)))
	return append(b, content...)
}

// bareItem is an item with nothing in its header but the length of the content.
func bareItem(content []byte) []byte {
	b := item(content)
	clear(b[2:30])
	return b
}

// extras is a command of 2.3.
func extras(info, id string, argv ...string) []byte {
	return appendRESP(nil, arguments(append(argv, extraMagic, id, info, "1")...))
}

func TestParse(t *testing.T) {
	set, padding := appendRESP(nil, arguments("SET", "k", "v")), []byte("*2\r\n$7\r\npadding\r\n$00002\r\n**\r\n")
	at := Position{Segment: 3, Offset: 4096}
	info := string(item(nil)[2:6]) + "\x03\x00\x00\x00\x00\x10\x00\x00\x00\x00\x00\x00"
	argv, stars := arguments("SET", "k", "v"), arguments("padding", "**")
	withTerm := Entry{Has: HasTime | HasLogicID | HasTerm, LogicID: 42, Term: 7, Time: 1700000000, At: at, HasAt: true, Argv: argv}
	withServer := withTerm
	withServer.Has, withServer.Term, withServer.ServerID = HasTime|HasLogicID|HasServerID, 0, 7
	of23 := Entry{Has: HasTime | HasServerID, ServerID: 7, Time: 1700000000, At: at, HasAt: true, Argv: argv}
	wrapped := withTerm
	wrapped.Argv, wrapped.Padding, wrapped.Wrapped = nil, true, true
	bareSet := Entry{Has: HasTime | HasLogicID, HasAt: true, Argv: argv}
	tests := map[string]struct {
		payload    []byte
		generation Generation
		want       []Entry
	}{
		"empty":                         {nil, G4, []Entry{{Empty: true}}},
		"spaces":                        {[]byte("    "), G1, []Entry{{Padding: true}}},
		"a bare array":                  {set, G0, []Entry{{Argv: argv}}},
		"2.3":                           {extras(info, "7", "SET", "k", "v"), G2, []Entry{of23}},
		"2.3, a writable slave":         {extras("", "7", "SET", "k", "v"), G2, []Entry{{Has: HasServerID, ServerID: 7, Argv: argv}}},
		"2.3, from a hub":               {extras("X", "x", "SET", "k", "v"), G2, []Entry{{Argv: argv}}},
		"2.3, two commands":             {append(extras(info, "7", "SET", "k", "v"), extras(info, "7", "SET", "k", "v")...), G2, []Entry{of23, of23}},
		"an item with a server id":      {item(set), G3, []Entry{withServer}},
		"an item with a term":           {item(set), G4, []Entry{withTerm}},
		"two items":                     {append(item(set), item(set)...), G3, []Entry{withServer, withServer}},
		"a padding item":                {bareItem(padding), G3, []Entry{{Padding: true, Argv: stars}}},
		"a padding item inside an item": {item(bareItem(padding)), G5, []Entry{wrapped}},
		"a command without a header":    {bareItem(set), G5, []Entry{bareSet}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var p parser
			for range 2 { // what an earlier record has left does not matter
				if at, err := p.parse(tt.payload, tt.generation); err != nil {
					t.Fatal(at, err)
				}
				if diff := cmp.Diff(tt.want, p.entries, cmpopts.IgnoreFields(Entry{}, "Command")); diff != "" {
					t.Errorf("entries (-want +got):\n%s", diff)
				}
				if _, err := p.parse(append(item(set), item(set)...), G3); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	set := appendRESP(nil, arguments("SET", "k", "v"))
	with := func(b []byte, at int, to byte) []byte {
		b[at] = to
		return b
	}
	deep := set
	for range 1000 {
		deep = item(deep)
	}
	tests := map[string]struct {
		payload []byte
		at      int
		want    error
	}{
		"neither item nor RESP":          {[]byte("SET k v"), 0, ErrBadItem},
		"spaces and more":                {[]byte("   x"), 0, ErrBadItem},
		"another type of item":           {with(item(set), 1, 1), 0, ErrBadItem},
		"half an item header":            {item(set)[:33], 0, ErrBadItem},
		"content beyond the record":      {with(item(set), 30, 200), 30, ErrBadItem},
		"content without end":            {with(item(set), 33, 255), 30, ErrBadItem},
		"content shorter than a command": {with(item(set), 30, 5), 34 + 5, ErrBadRESP},
		"content longer than a command":  {item(append(slices.Clip(set), 0)), 34 + len(set), ErrBadItem},
		"bytes after the item":           {append(item(set), 0), 34 + len(set), ErrBadItem},
		"bytes after the array":          {append(slices.Clip(set), 0), len(set), ErrBadRESP},
		"an item without content":        {item(nil), 34, ErrBadRESP},
		"a command in a wrapped item":    {item(bareItem(set)), 34, ErrBadItem},
		"a wrapped item with a header":   {item(item([]byte("*2\r\n$7\r\npadding\r\n$00000\r\n\r\n"))), 34, ErrBadItem},
		"a wrapped item of other length": {item(append(bareItem(set), 0)), 34, ErrBadItem},
		"bad RESP in a wrapped item":     {item(bareItem([]byte("*x"))), 34 + 34 + 1, ErrBadRESP},
		"items inside items":             {deep, 34 + 34, ErrBadRESP},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			at, err := new(parser).parse(tt.payload, G5)
			if at != tt.at || !errors.Is(err, tt.want) {
				t.Errorf("%v at %d, want %v at %d", err, at, tt.want, tt.at)
			}
		})
	}
}

func TestExtrasOfALiteralCommand(t *testing.T) {
	p := parser{pika: G1}
	if _, err := p.parse(extras("", "7", "SET", "k", "v"), G1); err != nil || len(p.entries[0].Argv) != 7 {
		t.Errorf("%v, %v", err, p.entries)
	}
	p.pika = GenerationUnknown
	if _, err := p.parse(extras("", "7"), G2); err != nil || len(p.entries[0].Argv) != 4 {
		t.Errorf("the magic as the name of a command: %v, %v", err, p.entries)
	}
}

func FuzzPayload(f *testing.F) {
	set := appendRESP(nil, arguments("SET", "k", "v"))
	padding := []byte("*2\r\n$7\r\npadding\r\n$00002\r\n**\r\n")
	for _, seed := range [][]byte{
		nil, []byte("  "), set, item(set), append(item(set), item(set)...), bareItem(padding), item(bareItem(padding)),
		extras(strings.Repeat("\x01", 16), "7", "DEL", "a", "b"), item(item(item(set))),
	} {
		f.Add(seed, uint8(G2))
		f.Add(seed, uint8(G5))
	}
	f.Fuzz(func(t *testing.T, payload []byte, generation uint8) {
		var p parser
		at, err := p.parse(payload, Generation(generation%7))
		if at < 0 || at > len(payload) || err == nil && at != 0 {
			t.Fatalf("%v at %d of %d", err, at, len(payload))
		}
		size := 0
		for _, e := range p.entries {
			for _, arg := range e.Argv {
				size += len(arg)
			}
		}
		if size > len(payload) || err == nil && len(p.entries) == 0 {
			t.Fatalf("%d entries with %d bytes from %d", len(p.entries), size, len(payload))
		}
	})
}

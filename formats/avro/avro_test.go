package avro_test

import (
	"bytes"
	"encoding/binary"
	"strings"
	"testing"

	reader "github.com/twmb/avro"

	"pikabin/decode"
	"pikabin/formats/avro"
	"pikabin/formats/formattest"
)

// row is a record as the reader's package has it.
type row struct {
	DB       string        `avro:"db"`
	Slot     *int64        `avro:"slot"`
	Segment  int64         `avro:"segment"`
	Offset   int64         `avro:"offset"`
	End      *int64        `avro:"end"`
	Part     *int64        `avro:"part"`
	Parts    *int64        `avro:"parts"`
	LogicID  *int64        `avro:"logic_id"`
	Term     *int64        `avro:"term"`
	ServerID *int64        `avro:"server_id"`
	TS       *int64        `avro:"ts"`
	Op       string        `avro:"op"`
	Type     *string       `avro:"type"`
	Cmd      *string       `avro:"cmd"`
	Key      *[]byte       `avro:"key"`
	Value    *[]byte       `avro:"value"`
	Elements *[]elementRow `avro:"elements"`
	EntryID  *string       `avro:"entry_id"`
	Delta    *string       `avro:"delta"`
	Epoch    *int64        `avro:"epoch"`
	ExpireAt *int64        `avro:"expire_at_ms"`
	Precise  *string       `avro:"expire_precision"`
	Effect   *string       `avro:"effect"`
	Args     *[][]byte     `avro:"args"`
	Scope    *string       `avro:"scope"`
	From     *string       `avro:"from"`
	To       *string       `avro:"to"`
	Reason   *string       `avro:"reason"`
}

type elementRow struct {
	Field *[]byte `avro:"field"`
	Value *[]byte `avro:"value"`
	Score *string `avro:"score"`
}

// rowOf is c as the reader's package would have it.
func rowOf(c *decode.Change, opts avro.Options) *row {
	r := &row{DB: valid(c.Log.DB), Segment: int64(c.Segment), Offset: c.Offset, Op: c.Op.String()}
	r.Slot = long(c.Log.Slot >= 0, int64(c.Log.Slot))
	r.Epoch = long(c.Epoch > 0, int64(c.Epoch))
	if c.Op >= decode.OpGap {
		r.From, r.To, r.Reason = new(c.From.String()), new(c.To.String()), new(valid(c.Reason))
		return r
	}
	r.End, r.Type, r.Cmd = &c.End, name(c.Type.String()), new(valid(c.Cmd))
	r.Part, r.Parts = long(c.Parts > 0, int64(c.Part)), long(c.Parts > 0, int64(c.Parts))
	r.LogicID = long(c.Has&decode.HasLogicID != 0, int64(c.LogicID))
	r.Term = long(c.Has&decode.HasTerm != 0, int64(c.Term))
	r.ServerID = long(c.Has&decode.HasServerID != 0, int64(c.ServerID))
	r.TS = long(c.Has&decode.HasTime != 0, c.Time)
	r.Key, r.Value, r.EntryID, r.Delta = data(c.Key), data(c.Value), text(c.EntryID), text(c.Delta)
	for el := range c.Elements.All() {
		if r.Elements == nil {
			r.Elements = &[]elementRow{}
		}
		*r.Elements = append(*r.Elements, elementRow{data(el.Field), data(el.Value), text(el.Score)})
	}
	r.ExpireAt = long(c.Has&decode.HasExpireAt != 0, c.ExpireAt)
	r.Precise, r.Effect, r.Scope = name(c.Precision.String()), name(c.Effect.String()), name(c.Scope)
	if args := c.ShownArgs(opts.Args); len(args) > 0 {
		r.Args = &args
	}
	return r
}

// valid is s as a string may be: names of folders need not be UTF-8.
func valid(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

func long(has bool, v int64) *int64 {
	if !has {
		return nil
	}
	return &v
}

func name(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func data(b []byte) *[]byte {
	if b == nil {
		return nil
	}
	return &b
}

func text(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(string(b))
}

var schema = reader.MustParse(avro.Schema)

// checkRecord compares the bytes written by hand with those of the reader's package.
func checkRecord(t *testing.T, c *decode.Change, opts avro.Options) {
	t.Helper()
	want, err := schema.AppendEncode(nil, rowOf(c, opts))
	if opts.Bare && !opts.Told {
		want, err = schema.AppendSingleObject(nil, rowOf(c, opts))
	}
	if err != nil {
		t.Fatal(err)
	}
	if !opts.Bare {
		want = framed(want)
	}
	if got := avro.New(opts).AppendChange(nil, c); !bytes.Equal(got, want) {
		t.Fatalf("%v %.100q of %v:\n got %.300x\nwant %.300x", c.Op, c.Cmd, c.Log, got, want)
	}
}

func TestEqualsOtherWriter(t *testing.T) {
	for _, opts := range []avro.Options{{}, {Args: true}, {Bare: true}, {Bare: true, Told: true}} {
		for _, c := range formattest.Changes() {
			checkRecord(t, c.Change, opts)
		}
	}
}

func FuzzEqualsOtherWriter(f *testing.F) {
	formattest.AddSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := formattest.ChangeFrom(data)
		checkRecord(t, c, avro.Options{})
		checkRecord(t, c, avro.Options{Args: true, Bare: true})
	})
}

// TestEqualsJSONL reads what the fixtures' commands became, and wants what JSON lines say of them.
func TestEqualsJSONL(t *testing.T) {
	enc := avro.New(avro.Options{Bare: true})
	var got any
	for _, c := range formattest.FixtureChanges(t) {
		if _, err := schema.DecodeSingleObject(enc.AppendChange(nil, c), &got); err != nil {
			t.Fatal(err)
		}
		formattest.CompareColumns(t, c, formattest.Present(got.(map[string]any)))
	}
}

// framed is a record with its length before it.
func framed(record []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(nil, uint32(len(record))), record...)
}

func TestConformance(t *testing.T) {
	formattest.Suite{
		Format: "avro",
		Frame:  func(message []byte) []byte { return framed(message[len("\xc3\x01")+8:]) },
		Command: func(t *testing.T, message []byte) [][]byte {
			t.Helper()
			var r row
			if _, err := schema.DecodeSingleObject(message, &r); err != nil {
				t.Fatal(err)
			}
			argv := [][]byte{[]byte(*r.Cmd)}
			if r.Args != nil {
				argv = append(argv, *r.Args...)
			}
			return argv
		},
	}.Run(t)
}

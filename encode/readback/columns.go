package readback

import (
	"errors"
	"fmt"
	"math"

	protobuf "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"pikabin/proto"
)

// row is an event in formats of columns, or of named fields, whose names are those of Avro. What is absent is nil.
type row struct {
	DB        *string   `avro:"db"               parquet:"db"`
	Slot      *int64    `avro:"slot"             parquet:"slot"`
	Segment   int64     `avro:"segment"          parquet:"segment"`
	Offset    int64     `avro:"offset"           parquet:"offset"`
	End       *int64    `avro:"end"              parquet:"end"`
	Part      *int64    `avro:"part"             parquet:"part"`
	Parts     *int64    `avro:"parts"            parquet:"parts"`
	LogicID   *int64    `avro:"logic_id"         parquet:"logic_id"`
	Term      *int64    `avro:"term"             parquet:"term"`
	ServerID  *int64    `avro:"server_id"        parquet:"server_id"`
	TS        *int64    `avro:"ts"               parquet:"ts"`
	Time      *int64    `avro:"-"                parquet:"time"`
	Op        *string   `avro:"op"               parquet:"op"`
	Type      *string   `avro:"type"             parquet:"type"`
	Cmd       *string   `avro:"cmd"              parquet:"cmd"`
	Key       *[]byte   `avro:"key"              parquet:"key"`
	Value     *[]byte   `avro:"value"            parquet:"value"`
	Elements  []element `avro:"elements"         parquet:"elements,optional,list"`
	EntryID   *string   `avro:"entry_id"         parquet:"entry_id"`
	Delta     *string   `avro:"delta"            parquet:"delta"`
	Epoch     *int64    `avro:"epoch"            parquet:"epoch"`
	ExpireAt  *int64    `avro:"expire_at_ms"     parquet:"expire_at_ms"`
	Precision *string   `avro:"expire_precision" parquet:"expire_precision"`
	Effect    *string   `avro:"effect"           parquet:"effect"`
	Args      [][]byte  `avro:"args"             parquet:"args,optional,list"`
	Scope     *string   `avro:"scope"            parquet:"scope"`
	From      *string   `avro:"from"             parquet:"from"`
	To        *string   `avro:"to"               parquet:"to"`
	Reason    *string   `avro:"reason"           parquet:"reason"`
}

type element struct {
	Field *[]byte `avro:"field" parquet:"field"`
	Value *[]byte `avro:"value" parquet:"value"`
	Score *string `avro:"score" parquet:"score"`
}

// micro is how many microseconds a second has.
const micro = 1e6

// appendMessage appends the message of the row's event.
func (r *row) appendMessage(dst []byte) ([]byte, error) {
	if err := r.check(); err != nil {
		return nil, r.refused(err)
	}
	c := &proto.Change{
		Db: text(r.DB), EntryId: r.EntryID, Delta: r.Delta, Ts: r.TS, Offset: uint64(r.Offset), End: uint64(number(r.End)), Cmd: text(r.Cmd),
		Key: content(r.Key), Value: content(r.Value), Args: r.Args, ExpireAtMs: r.ExpireAt, Scope: text(r.Scope), From: text(r.From), To: text(r.To), Reason: text(r.Reason),
	}
	if r.LogicID != nil {
		c.LogicId = new(uint64(*r.LogicID))
	}
	for i := range r.Elements {
		el := &r.Elements[i]
		c.Elements = append(c.Elements, &proto.Element{Field: content(el.Field), Value: content(el.Value), Score: el.Score})
	}
	if err := errors.Join(r.putNumbers(c), r.putNames(c)); err != nil {
		return nil, r.refused(err)
	}
	dst, err := protobuf.MarshalOptions{Deterministic: true}.MarshalAppend(dst, c)
	if err != nil { // a text that is not UTF-8
		return nil, r.refused(err)
	}
	return dst, nil
}

func (r *row) refused(err error) error {
	return &EventError{fmt.Errorf("the row at %d:%d is no event: %w", r.Segment, r.Offset, err)}
}

// check refuses what a row can say, and the message of an event cannot.
func (r *row) check() error {
	isRange := r.From != nil
	switch {
	case isRange != (r.To != nil) || isRange != (r.Reason != nil):
		return errors.New("from, to and reason belong together")
	case isRange == (r.End != nil) || isRange == (r.Cmd != nil) || isRange == (r.Effect != nil):
		return errors.New("a command has end, cmd and effect, and a range of the log has none of them")
	case (r.Part == nil) != (r.Parts == nil) || r.Parts != nil && *r.Parts == 0:
		return errors.New("part and parts belong together")
	case r.Op == nil || r.Epoch != nil && *r.Epoch == 0 || r.Scope != nil && *r.Scope == "":
		return errors.New("op is absent, or epoch or scope is there and empty")
	case r.Time != nil && (r.TS == nil || *r.Time != *r.TS*micro):
		return errors.New("time is another one than ts")
	case r.Offset < 0 || number(r.End) < 0:
		return errors.New("a position is negative")
	}
	return nil
}

// putNumbers sets the fields that have fewer bits in the message.
func (r *row) putNumbers(c *proto.Change) error {
	var err error
	narrow := func(name string, v int64) uint32 {
		if v < 0 || v > math.MaxUint32 {
			err = errors.Join(err, fmt.Errorf("%s is %d", name, v))
		}
		return uint32(v)
	}
	optional := func(name string, v *int64) *uint32 {
		if v == nil {
			return nil
		}
		return new(narrow(name, *v))
	}
	c.Segment, c.Epoch = narrow("segment", r.Segment), narrow("epoch", number(r.Epoch))
	c.Part, c.Parts = narrow("part", number(r.Part)), narrow("parts", number(r.Parts))
	c.Slot, c.Term, c.ServerId = optional("slot", r.Slot), optional("term", r.Term), optional("server_id", r.ServerID)
	return err
}

// putNames sets the enums.
func (r *row) putNames(c *proto.Change) error {
	var err error
	value := func(name string, e protoreflect.EnumDescriptor, text *string) protoreflect.EnumNumber {
		if text == nil {
			return 0
		}
		n, ok := numbers[e.Name()][*text]
		if !ok {
			err = errors.Join(err, fmt.Errorf("%s is %q", name, *text))
		}
		return n
	}
	c.Op = proto.Op(value("op", c.Op.Descriptor(), r.Op))
	c.Type = proto.Type(value("type", c.Type.Descriptor(), r.Type))
	c.ExpirePrecision = proto.ExpirePrecision(value("expire_precision", c.ExpirePrecision.Descriptor(), r.Precision))
	c.Effect = proto.Effect(value("effect", c.Effect.Descriptor(), r.Effect))
	return err
}

// numbers are the values of the enums by their names.
var numbers = func() map[protoreflect.Name]map[string]protoreflect.EnumNumber {
	all := map[protoreflect.Name]map[string]protoreflect.EnumNumber{}
	for _, e := range []protoreflect.EnumDescriptor{
		proto.Op(0).Descriptor(), proto.Type(0).Descriptor(), proto.ExpirePrecision(0).Descriptor(), proto.Effect(0).Descriptor(),
	} {
		byName := map[string]protoreflect.EnumNumber{}
		for i := range e.Values().Len() {
			if name := enumName(e, e.Values().Get(i).Number()); name != "unspecified" {
				byName[name] = e.Values().Get(i).Number()
			}
		}
		all[e.Name()] = byName
	}
	return all
}()

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// content is nil where there is none, which is another thing than empty bytes.
func content(b *[]byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, *b...)
}

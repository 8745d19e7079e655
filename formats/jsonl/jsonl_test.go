package jsonl_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/jsonl"
)

// everyOption are the options that the lines are read back with.
var everyOption = []jsonl.Options{{}, {Base64: true}, {Args: true}, {Base64: true, Args: true}}

func TestConformance(t *testing.T) {
	formattest.Suite{
		Format: "jsonl",
		Frame:  func(message []byte) []byte { return append(message, '\n') },
		Command: func(t *testing.T, message []byte) [][]byte {
			t.Helper()
			c := parse(t, message)
			return append([][]byte{[]byte(c.Cmd)}, c.Args...)
		},
	}.Run(t)
}

// event is a line as a consumer reads it.
type event struct {
	DB              string          `json:"db"`
	Slot            *uint32         `json:"slot"`
	Segment         uint32          `json:"segment"`
	Offset          int64           `json:"offset"`
	End             int64           `json:"end"`
	Part            uint32          `json:"part"`
	Parts           uint32          `json:"parts"`
	LogicID         *uint64         `json:"logic_id"`
	Term            *uint32         `json:"term"`
	ServerID        *uint32         `json:"server_id"`
	TS              *int64          `json:"ts"`
	Op              string          `json:"op"`
	Type            string          `json:"type"`
	Cmd             string          `json:"cmd"`
	Key             *string         `json:"key"`
	KeyB64          []byte          `json:"key_b64"`
	Value           *string         `json:"value"`
	ValueB64        []byte          `json:"value_b64"`
	Elements        []element       `json:"elements"`
	EntryID         *string         `json:"entry_id"`
	Delta           *string         `json:"delta"`
	Epoch           uint32          `json:"epoch"`
	ExpireAtMS      *int64          `json:"expire_at_ms"`
	ExpirePrecision string          `json:"expire_precision"`
	Effect          string          `json:"effect"`
	Args            []string        `json:"args"`
	ArgsB64         [][]byte        `json:"args_b64"`
	Scope           string          `json:"scope"`
	From            *decodePosition `json:"from"`
	To              *decodePosition `json:"to"`
	Reason          string          `json:"reason"`
}

type element struct {
	Field    *string `json:"field"`
	FieldB64 []byte  `json:"field_b64"`
	Value    *string `json:"value"`
	ValueB64 []byte  `json:"value_b64"`
	Score    *string `json:"score"`
}

type decodePosition struct{ decode.Position }

func (p *decodePosition) UnmarshalText(text []byte) (err error) {
	p.Position, err = decode.ParsePosition(string(text))
	return err
}

// parse reads a line back.
func parse(t *testing.T, line []byte) *decode.Change {
	t.Helper()
	var ev event
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&ev); err != nil {
		t.Fatalf("%v in %.300s", err, line)
	}
	return ev.change()
}

// change is the event as the decoder gives it.
func (ev *event) change() *decode.Change {
	c := &decode.Change{
		Log: &decode.Log{DB: ev.DB, Slot: -1}, Segment: ev.Segment, Offset: ev.Offset, End: ev.End,
		Epoch: ev.Epoch, Part: ev.Part, Parts: ev.Parts, Op: named[decode.Op](ev.Op), Type: named[decode.Type](ev.Type),
		Cmd: ev.Cmd, Key: either(ev.Key, ev.KeyB64), Value: either(ev.Value, ev.ValueB64),
		EntryID: either(ev.EntryID, nil), Delta: either(ev.Delta, nil),
		Precision: named[decode.Precision](ev.ExpirePrecision), Args: ev.ArgsB64, Scope: ev.Scope, Reason: ev.Reason,
	}
	if ev.Slot != nil {
		c.Log.Slot = int(*ev.Slot)
	}
	if ev.Effect != "" {
		c.Effect = named[decode.Effect](ev.Effect)
	}
	if ev.From != nil && ev.To != nil {
		c.From, c.To = ev.From.Position, ev.To.Position
	}
	c.LogicID = optional(c, decode.HasLogicID, ev.LogicID)
	c.Term = optional(c, decode.HasTerm, ev.Term)
	c.ServerID = optional(c, decode.HasServerID, ev.ServerID)
	c.Time = optional(c, decode.HasTime, ev.TS)
	c.ExpireAt = optional(c, decode.HasExpireAt, ev.ExpireAtMS)
	var elements []decode.Element
	for _, el := range ev.Elements {
		elements = append(elements, decode.Element{
			Field: either(el.Field, el.FieldB64), Value: either(el.Value, el.ValueB64), Score: either(el.Score, nil),
		})
	}
	c.Elements = decode.ElementsOf(elements...)
	for _, arg := range ev.Args {
		c.Args = append(c.Args, []byte(arg))
	}
	return c
}

// either is the text or the binary form of a field, nil if there is none.
func either(text *string, binary []byte) []byte {
	if text != nil {
		return []byte(*text)
	}
	return binary
}

func optional[T any](c *decode.Change, has decode.Fields, v *T) (zero T) {
	if v == nil {
		return zero
	}
	c.Has |= has
	return *v
}

// named finds the value whose String is name.
func named[T interface {
	~uint8
	String() string
}](name string) T {
	var v T
	for v.String() != name {
		v++
	}
	return v
}

// checkRoundTrip reads what c became, wants the same fields back, and the same bytes from these.
func checkRoundTrip(t *testing.T, c *decode.Change, opts jsonl.Options) {
	t.Helper()
	line := jsonl.New(opts).AppendChange(nil, c)
	if !utf8.Valid(line) || bytes.IndexByte(line, '\n') != len(line)-1 {
		t.Fatalf("not one line of UTF-8: %.300q", line)
	}
	parsed := parse(t, line)
	if c.Op < decode.OpGap {
		for name, pair := range map[string][2][]byte{
			"key": {c.Key, parsed.Key}, "value": {c.Value, parsed.Value},
			"entry_id": {c.EntryID, parsed.EntryID}, "delta": {c.Delta, parsed.Delta},
		} {
			if !sameBytes(pair[0], pair[1]) {
				t.Fatalf("%s is %.300q, was %.300q", name, pair[1], pair[0])
			}
		}
		if diff := cmp.Diff(slices.Collect(c.Elements.All()), slices.Collect(parsed.Elements.All()), cmp.Comparer(sameBytes)); diff != "" {
			t.Fatalf("elements (-was +is):\n%s", diff)
		}
	}
	again := jsonl.New(jsonl.Options{Base64: opts.Base64}).AppendChange(nil, parsed)
	if !bytes.Equal(line, again) {
		t.Fatalf("encoded again:\n got %.300q\nwant %.300q", again, line)
	}
}

// sameBytes tells absent from empty.
func sameBytes(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

func TestRoundTrip(t *testing.T) {
	for _, c := range formattest.Changes() {
		t.Run(c.Name, func(t *testing.T) {
			for _, opts := range everyOption {
				checkRoundTrip(t, c.Change, opts)
			}
		})
	}
}

func FuzzRoundTrip(f *testing.F) {
	formattest.AddSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := formattest.ChangeFrom(data)
		for _, opts := range everyOption {
			checkRoundTrip(t, c, opts)
		}
	})
}

func TestLinesMatchSchema(t *testing.T) {
	schema := compileSchema(t)
	for _, c := range formattest.Changes() {
		for _, opts := range everyOption {
			line := jsonl.New(opts).AppendChange(nil, c.Change)
			doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(line))
			if err != nil {
				t.Fatalf("%s: %v", c.Name, err)
			}
			if err := schema.Validate(doc); err != nil {
				t.Errorf("%s: %v in %.300s", c.Name, err, line)
			}
		}
	}
}

// TestSchemaRefuses makes sure that the schema is not satisfied by anything.
func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for _, line := range []string{
		`{}`,
		`{"db":"db0","segment":0,"offset":0,"op":"set"}`,
		`{"db":"db0","segment":0,"offset":0,"end":1,"op":"rename","cmd":"x"}`,
		`{"db":"db0","segment":0,"offset":0,"end":1,"op":"set","cmd":"set","key":"a","key_b64":"YQ=="}`,
		`{"db":"db0","segment":0,"offset":0,"end":1,"op":"set","cmd":"set","unknown":1}`,
		`{"db":"db0","segment":0,"offset":0,"op":"gap","from":"0:0"}`,
		`{"db":"db0","segment":0,"offset":0,"end":1,"op":"set","cmd":"set","elements":[{"value":"a","value_b64":"YQ=="}]}`,
	} {
		doc, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err != nil {
			t.Fatal(err)
		}
		if schema.Validate(doc) == nil {
			t.Errorf("the schema allows %s", line)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(jsonl.Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("event.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("event.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

package protobuf_test

import (
	"bytes"
	"strings"
	"testing"

	oldproto "github.com/golang/protobuf/proto" //nolint:staticcheck // consumers that still use it have to be able to read the stream
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protodelim"
	"google.golang.org/protobuf/encoding/protowire"
	newproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/protobuf"
	"pikabin/proto"
)

func TestConformance(t *testing.T) {
	formattest.Suite{
		Format: "protobuf",
		Frame: func(message []byte) []byte {
			return append(protowire.AppendVarint(nil, uint64(len(message))), message...)
		},
		Command: func(t *testing.T, message []byte) [][]byte {
			t.Helper()
			var m proto.Change
			if err := newproto.Unmarshal(message, &m); err != nil {
				t.Fatal(err)
			}
			return append([][]byte{[]byte(m.GetCmd())}, m.GetArgs()...)
		},
	}.Run(t)
}

// validText is s as a protobuf string may be: names of folders need not be UTF-8.
func validText(s string) string { return strings.ToValidUTF8(s, "\ufffd") }

// message is c as the generated code has it.
func message(c *decode.Change, opts protobuf.Options) *proto.Change {
	m := &proto.Change{Db: validText(c.Log.DB), Segment: c.Segment, Offset: uint64(c.Offset), Op: proto.Op(c.Op) + 1}
	m.Epoch = c.Epoch
	if c.Log.Slot >= 0 {
		m.Slot = new(uint32(c.Log.Slot))
	}
	if c.Op >= decode.OpGap {
		m.From, m.To, m.Reason = c.From.String(), c.To.String(), validText(c.Reason)
		return m
	}
	m.End, m.Type, m.Cmd = uint64(c.End), proto.Type(c.Type), validText(c.Cmd)
	if c.Parts > 0 {
		m.Part, m.Parts = c.Part, c.Parts
	}
	messageOptional(m, c)
	m.Key, m.Value, m.EntryId, m.Delta = c.Key, c.Value, optionalString(c.EntryID), optionalString(c.Delta)
	for el := range c.Elements.All() {
		m.Elements = append(m.Elements, &proto.Element{Field: el.Field, Value: el.Value, Score: optionalString(el.Score)})
	}
	m.ExpirePrecision, m.Effect = proto.ExpirePrecision(c.Precision), proto.Effect(c.Effect)
	m.Args, m.Scope = c.ShownArgs(opts.Args), validText(c.Scope)
	return m
}

func messageOptional(m *proto.Change, c *decode.Change) {
	if c.Has&decode.HasLogicID != 0 {
		m.LogicId = &c.LogicID
	}
	if c.Has&decode.HasTerm != 0 {
		m.Term = &c.Term
	}
	if c.Has&decode.HasServerID != 0 {
		m.ServerId = &c.ServerID
	}
	if c.Has&decode.HasTime != 0 {
		m.Ts = &c.Time
	}
	if c.Has&decode.HasExpireAt != 0 {
		m.ExpireAtMs = &c.ExpireAt
	}
}

func optionalString(b []byte) *string {
	if b == nil {
		return nil
	}
	return new(string(b))
}

// checkProtobuf compares the hand-written bytes with those of the generated code.
func checkProtobuf(t *testing.T, enc *protobuf.Encoder, c *decode.Change, opts protobuf.Options) {
	t.Helper()
	var want bytes.Buffer
	if _, err := (protodelim.MarshalOptions{MarshalOptions: newproto.MarshalOptions{Deterministic: true}}).MarshalTo(&want, message(c, opts)); err != nil {
		t.Fatal(err)
	}
	if got := enc.AppendChange(nil, c); !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%+v:\n got %.300x\nwant %.300x", c, got, want.Bytes())
	}
}

func TestEqualsGeneratedCode(t *testing.T) {
	for _, opts := range []protobuf.Options{{}, {Args: true}} {
		enc := protobuf.New(opts)
		for _, c := range formattest.Changes() {
			checkProtobuf(t, enc, c.Change, opts)
		}
	}
}

func FuzzEqualsGeneratedCode(f *testing.F) {
	formattest.AddSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := formattest.ChangeFrom(data)
		checkProtobuf(t, protobuf.New(protobuf.Options{}), c, protobuf.Options{})
		checkProtobuf(t, protobuf.New(protobuf.Options{Args: true}), c, protobuf.Options{Args: true})
	})
}

// TestOldProtobufReadsStream reads with the API that was deprecated in 2020.
func TestOldProtobufReadsStream(t *testing.T) {
	var stream []byte
	enc := protobuf.New(protobuf.Options{})
	cases := formattest.Changes()
	for _, c := range cases {
		stream = enc.AppendChange(stream, c.Change)
	}
	buf := oldproto.NewBuffer(stream)
	for _, c := range cases {
		got := &proto.Change{}
		if err := buf.DecodeMessage(got); err != nil {
			t.Fatalf("%s: %v", c.Name, err)
		}
		if want := message(c.Change, protobuf.Options{}); !newproto.Equal(got, want) {
			t.Fatalf("%s (-want +got):\n%s", c.Name, cmp.Diff(want, got, protocmp.Transform()))
		}
	}
	if rest := buf.Unread(); len(rest) != 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}

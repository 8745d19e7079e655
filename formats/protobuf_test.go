package formats

import (
	"bytes"
	"testing"

	oldproto "github.com/golang/protobuf/proto" //nolint:staticcheck // consumers that still use it have to be able to read the stream
	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protodelim"
	newproto "google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"pikabin/decode"
	"pikabin/proto"
)

// message is c as the generated code has it.
func message(c *decode.Change, opts Options) *proto.Change {
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
	for _, el := range c.Elements {
		m.Elements = append(m.Elements, &proto.Element{Field: el.Field, Value: el.Value, Score: optionalString(el.Score)})
	}
	m.ExpirePrecision, m.Effect = proto.ExpirePrecision(c.Precision), proto.Effect(c.Effect)
	m.Args, m.Scope = shownArgs(c, opts), validText(c.Scope)
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
func checkProtobuf(t *testing.T, enc Encoder, c *decode.Change, opts Options) {
	t.Helper()
	var want bytes.Buffer
	if _, err := (protodelim.MarshalOptions{MarshalOptions: newproto.MarshalOptions{Deterministic: true}}).MarshalTo(&want, message(c, opts)); err != nil {
		t.Fatal(err)
	}
	if got := enc.AppendChange(nil, c); !bytes.Equal(got, want.Bytes()) {
		t.Fatalf("%+v:\n got %.300x\nwant %.300x", c, got, want.Bytes())
	}
}

func TestProtobufEqualsGeneratedCode(t *testing.T) {
	for _, opts := range everyOption {
		enc := newProtobuf(opts)
		for _, c := range nastyChanges() {
			checkProtobuf(t, enc, c.Change, opts)
		}
	}
}

func FuzzProtobufEqualsGeneratedCode(f *testing.F) {
	addFuzzSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		c := changeFrom(data)
		checkProtobuf(t, newProtobuf(Options{}), c, Options{})
		checkProtobuf(t, newProtobuf(Options{Args: true}), c, Options{Args: true})
	})
}

// TestOldProtobufReadsStream reads with the API that was deprecated in 2020.
func TestOldProtobufReadsStream(t *testing.T) {
	var stream []byte
	enc := newProtobuf(Options{})
	cases := nastyChanges()
	for _, c := range cases {
		stream = enc.AppendChange(stream, c.Change)
	}
	buf := oldproto.NewBuffer(stream)
	for _, c := range cases {
		got := &proto.Change{}
		if err := buf.DecodeMessage(got); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if want := message(c.Change, Options{}); !newproto.Equal(got, want) {
			t.Fatalf("%s (-want +got):\n%s", c.name, cmp.Diff(want, got, protocmp.Transform()))
		}
	}
	if rest := buf.Unread(); len(rest) != 0 {
		t.Errorf("%d bytes are left", len(rest))
	}
}

func TestPutVarint(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			got := putVarint(make([]byte, 0, 32), v)
			if want := oldproto.EncodeVarint(v); !bytes.Equal(got, want) || len(got) != varintLen(v) {
				t.Errorf("putVarint(%#x) = %x, %d bytes expected, want %x", v, got, varintLen(v), want)
			}
		}
	}
}

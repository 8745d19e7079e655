package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster/transcript"
	"pikabin/decode/replica/inner"
	"pikabin/decode/replica/wire"
)

// collector takes items as the generated code would give them.
type collector struct {
	items   []*inner.Response_BinlogSync
	payload bytes.Buffer
	refuse  error
}

func (c *collector) Payload(_ *wire.Item, r io.Reader) error {
	c.payload.Reset()
	_, err := io.Copy(&c.payload, r)
	return errors.Join(err, c.refuse)
}

func (c *collector) Item(it *wire.Item) error {
	end := &inner.BinlogOffset{Segment: new(it.End.Segment), Offset: new(uint64(it.End.Offset)), Term: new(it.Term), Index: new(it.Index)}
	c.items = append(c.items, &inner.Response_BinlogSync{
		Slot: &inner.Slot{Db: new(it.DB), Slot: new(it.Slot)}, End: end,
		Payload: bytes.Clone(c.payload.Bytes()), Session: new(it.Session),
	})
	return nil
}

// readAll reads messages until an error.
func readAll(b []byte) (messages []*inner.Response, err error) { return readFrom(bytes.NewReader(b)) }

func readFrom(r io.Reader) (messages []*inner.Response, err error) {
	c := wire.NewConn(struct {
		io.Reader
		io.Writer
	}{r, io.Discard})
	for {
		var h collector
		m, err := c.Receive(&h)
		if err != nil {
			return messages, err
		}
		m.BinlogSync = h.items
		messages = append(messages, m)
	}
}

// generated reads messages by the generated code.
func generated(tb testing.TB, b []byte) (messages []*inner.Response) {
	tb.Helper()
	for len(b) >= 4 {
		n := binary.BigEndian.Uint32(b)
		if len(b) < int(n)+4 {
			break
		}
		m := &inner.Response{}
		if err := proto.Unmarshal(b[4:4+n], m); err != nil {
			tb.Fatal(err)
		}
		for _, it := range m.GetBinlogSync() {
			complete(it)
		}
		shorten(m)
		messages, b = append(messages, m), b[4+n:]
	}
	return messages
}

// shorten writes the numbers of fields that are not known in as few bytes as they need, as the reader does.
func shorten(m *inner.Response) {
	var short []byte
	for b := m.ProtoReflect().GetUnknown(); len(b) > 0; {
		number, kind, n := protowire.ConsumeTag(b)
		short = protowire.AppendTag(short, number, kind)
		b = b[n:]
		if n = protowire.ConsumeFieldValue(number, kind, b); kind == protowire.VarintType {
			v, _ := protowire.ConsumeVarint(b)
			short = protowire.AppendVarint(short, v)
		} else {
			short = append(short, b[:n]...)
		}
		b = b[n:]
	}
	m.ProtoReflect().SetUnknown(short)
}

func same(tb testing.TB, want, have []*inner.Response) {
	tb.Helper()
	if len(want) != len(have) {
		tb.Fatalf("%d messages, want %d", len(have), len(want))
	}
	for i := range want {
		if !proto.Equal(want[i], have[i]) {
			tb.Fatalf("message %d: %v, want %v", i, have[i], want[i])
		}
	}
}

// complete gives a field that is absent its value, and drops those that only later servers know.
func complete(it *inner.Response_BinlogSync) {
	for _, m := range []proto.Message{it, it.GetSlot(), it.GetEnd()} {
		m.ProtoReflect().SetUnknown(nil)
	}
	o := it.GetEnd()
	o.Segment, o.Offset, o.Term, o.Index = new(o.GetSegment()), new(o.GetOffset()), new(o.GetTerm()), new(o.GetIndex())
	it.Slot.Slot, it.Slot.Db = new(it.GetSlot().GetSlot()), new(it.GetSlot().GetDb())
	if it.Payload == nil {
		it.Payload = []byte{}
	}
	it.Session = new(it.GetSession())
}

// TestTranscripts reads what real servers sent as the generated code does.
func TestTranscripts(t *testing.T) {
	for _, s := range transcript.All(t) {
		t.Run(s.Name, func(t *testing.T) {
			for _, b := range s.Streams(transcript.FromMaster) {
				have, err := readAll(b)
				if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) { // a recording may end in a message
					t.Fatal(err)
				}
				same(t, generated(t, b), have)
				if len(b) > 64<<10 && testing.Short() {
					continue
				}
				slow, _ := readFrom(iotest.OneByteReader(bytes.NewReader(b))) // no item has come when it is begun
				same(t, have, slow)
			}
		})
	}
}

func frameOf(tb testing.TB, m *inner.Response) []byte {
	tb.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		tb.Fatal(err)
	}
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...)
}

func example(tb testing.TB) []byte {
	tb.Helper()
	item := func(end uint64, payload string) *inner.Response_BinlogSync {
		return &inner.Response_BinlogSync{
			Slot: &inner.Slot{Db: new("db0"), Slot: new(uint32(0))}, Payload: []byte(payload), Session: new(int32(7)),
			End: &inner.BinlogOffset{Segment: new(uint32(3)), Offset: new(end), Term: new(uint32(1)), Index: new(uint64(9))},
		}
	}
	return frameOf(tb, &inner.Response{
		Type: inner.Type_BINLOG_SYNC.Enum(), Code: inner.Code_OK.Enum(), Reply: new("text"),
		BinlogSync: []*inner.Response_BinlogSync{item(100, "payload"), item(0, ""), item(300, "second")},
	})
}

// TestCut ends a message at each of its bytes: nothing of it is a message, and the end is told from that between two.
func TestCut(t *testing.T) {
	whole := example(t)
	for n := range whole {
		messages, err := readAll(whole[:n])
		want := io.ErrUnexpectedEOF
		if n == 0 {
			want = io.EOF
		}
		if len(messages) > 0 || !errors.Is(err, want) {
			t.Fatalf("after %d bytes: %d messages, %v", n, len(messages), err)
		}
	}
}

// TestLength takes lengths that no message has. What is allocated is bounded by what has come.
func TestLength(t *testing.T) {
	for _, n := range []uint32{0, 1, 3, 1 << 31, 1<<32 - 1} {
		b := append(binary.BigEndian.AppendUint32(nil, n), example(t)[4:]...)
		if messages, err := readAll(b); err == nil || len(messages) > 0 && n > 3 {
			t.Errorf("length %d: %d messages, %v", n, len(messages), err)
		}
	}
	huge := append(binary.BigEndian.AppendUint32(nil, 1<<32-1), 0x3a, 0xff, 0xff, 0xff, 0xff, 0x0e, 0x0a, 0xf0, 0xff, 0xff, 0xff, 0x0e)
	if n := testing.AllocsPerRun(1, func() { _, _ = readAll(huge) }); n > 50 {
		t.Errorf("%v allocations", n)
	}
}

// TestRefusal stops reading by an error of the handler.
func TestRefusal(t *testing.T) {
	c := wire.NewConn(bytes.NewBuffer(example(t)))
	want := errors.New("no")
	if _, err := c.Receive(&collector{refuse: want}); !errors.Is(err, want) {
		t.Fatal(err)
	}
}

// TestSend writes what the other side reads.
func TestSend(t *testing.T) {
	var b bytes.Buffer
	node := wire.Node{IP: "pikabin-host-1", Port: 4711}
	c := wire.NewConn(&b)
	for _, m := range []*inner.Request{
		node.MetaSync("secret"), node.TrySync("db0", decode.Position{Segment: 3, Offset: 77}),
		node.First("db0", 5, decode.Position{Segment: 3, Offset: 77}), node.Ping("db0", 5),
		node.Ack("db0", 5, wire.Point{Position: decode.Position{Offset: 9}, Index: 4}, wire.Point{Position: decode.Position{Offset: 99}, Term: 1, Index: 8}),
	} {
		if err := c.Send(m); err != nil {
			t.Fatal(err)
		}
		n := binary.BigEndian.Uint32(b.Next(4))
		have := &inner.Request{}
		if err := proto.Unmarshal(b.Next(int(n)), have); err != nil || !proto.Equal(have, m) {
			t.Fatalf("%v: %v, %v", m, have, err)
		}
	}
}

// FuzzReceive reads anything. What is taken is what the generated code takes of the same bytes.
func FuzzReceive(f *testing.F) {
	f.Add(example(f))
	f.Add(frameOf(f, &inner.Response{Type: inner.Type_TRY_SYNC.Enum(), Code: inner.Code_OK.Enum(), TrySync: &inner.Response_TrySync{Reply: inner.Reply_SYNC_PURGED.Enum()}}))
	for _, s := range transcript.All(f) {
		for _, b := range s.Streams(transcript.FromMaster) {
			f.Add(b[:min(len(b), 4096)])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		have, _ := readAll(b)
		length := 0
		for range have {
			length += 4 + int(binary.BigEndian.Uint32(b[length:]))
		}
		same(t, generated(t, b[:length]), have)
	})
}

// TestComes has a message come, and nothing, a part or all of the next one with it.
func TestComes(t *testing.T) {
	message, err := proto.Marshal(&inner.Response{Type: inner.Type_BINLOG_SYNC.Enum(), Code: inner.Code_OK.Enum()})
	if err != nil {
		t.Fatal(err)
	}
	message = append(binary.BigEndian.AppendUint32(nil, uint32(len(message))), message...)
	for name, tt := range map[string]struct {
		after []byte
		want  bool
	}{
		"nothing":              {nil, false},
		"a part of its length": {message[:3], false},
		"its length":           {message[:4], true},
		"a part of it":         {message[:5], true},
		"all of it":            {message, true},
		"a long one":           {[]byte{0, 64, 0, 0, 8}, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := wire.NewConn(bytes.NewBuffer(append(bytes.Clone(message), tt.after...)))
			if _, err := c.Receive(&collector{}); err != nil {
				t.Fatal(err)
			}
			if have := c.Comes(); have != tt.want {
				t.Errorf("%v, want %v", have, tt.want)
			}
		})
	}
}

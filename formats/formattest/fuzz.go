package formattest

import (
	"crypto/sha256"
	"encoding/binary"
	"testing"

	"pikabin/decode"
)

// source makes the fields of a change from a fuzzer's bytes, zeros when there are no more.
type source []byte

func (s *source) byte() byte {
	if len(*s) == 0 {
		return 0
	}
	b := (*s)[0]
	*s = (*s)[1:]
	return b
}

// number is of any size, small ones more often than not.
func (s *source) number() uint64 {
	var b [8]byte
	for i := range s.byte() % 9 {
		b[i] = s.byte()
	}
	return binary.LittleEndian.Uint64(b[:])
}

// bytes is nil, empty, or up to 250 bytes.
func (s *source) bytes() []byte {
	n := int(s.byte())
	if n == 0 {
		return nil
	}
	n = min((n-1)%251, len(*s))
	b := append([]byte{}, (*s)[:n]...)
	*s = (*s)[n:]
	return b
}

// ascii is nil, empty, or printable.
func (s *source) ascii() []byte {
	b := s.bytes()
	for i := range b {
		b[i] = ' ' + b[i]%('~'-' '+1)
	}
	return b
}

func (s *source) list() [][]byte {
	var list [][]byte
	for range s.byte() % 6 {
		list = append(list, s.bytes())
	}
	return list
}

// ChangeFrom makes a change of any kind from the bytes of a fuzzer. Its ops that are no commands have no other fields than such
// events have.
func ChangeFrom(data []byte) *decode.Change {
	s := source(data)
	c := &decode.Change{
		Log:     &decode.Log{DB: string(s.bytes()), Slot: int(s.byte()) - 1},
		Segment: uint32(s.number()), Offset: int64(s.number() >> 1),
		Op: decode.Op(s.byte() % 12), Epoch: uint32(s.byte()) << 28,
	}
	if c.Op >= decode.OpGap {
		c.From = decode.Position{Segment: uint32(s.number()), Offset: int64(s.number() >> 1)}
		c.To = decode.Position{Segment: uint32(s.number()), Offset: int64(s.number() >> 1)}
		c.Reason = string(s.bytes())
		return c
	}
	c.End = int64(s.number() >> 1)
	c.Part, c.Parts = uint32(s.number()), uint32(s.number())
	c.Has = decode.Fields(s.byte()) & 31
	c.LogicID, c.Term, c.ServerID, c.Time = s.number(), uint32(s.number()), uint32(s.number()), int64(s.number())
	c.Type, c.Effect = decode.Type(s.byte()%10), decode.Effect(s.byte()%3)
	if c.Has&decode.HasExpireAt != 0 {
		c.ExpireAt, c.Precision = int64(s.number()), decode.Precision(s.byte()%4)
	}
	c.Cmd = string(s.ascii())
	c.Key, c.Value, c.EntryID, c.Delta = s.bytes(), s.bytes(), s.ascii(), s.ascii()
	var elements []decode.Element
	for range s.byte() % 5 {
		elements = append(elements, decode.Element{Field: s.bytes(), Value: s.bytes(), Score: s.ascii()})
	}
	c.Elements = decode.ElementsOf(elements...)
	c.Args = s.list()
	c.Argv = append([][]byte{[]byte(c.Cmd)}, s.list()...)
	c.KeyIndex = int(s.byte() % 3)
	return c
}

// AddSeeds adds inputs that reach every field.
func AddSeeds(f *testing.F) {
	f.Helper()
	f.Add([]byte(nil))
	for _, step := range []byte{1, 3, 7, 31} {
		seed := make([]byte, 600)
		for i := range seed {
			seed[i] = byte(i) * step
		}
		f.Add(seed)
	}
	f.Add(RandomBytes(4096))
}

// RandomBytes are n bytes that no text has, the same on each call.
func RandomBytes(n int) []byte {
	var b []byte
	for sum := sha256.Sum256(nil); len(b) < n; sum = sha256.Sum256(sum[:]) {
		b = append(b, sum[:]...)
	}
	return b[:n]
}

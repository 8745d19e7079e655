package formats_test

import (
	"bytes"
	"testing"

	"pikabin/decode"
	"pikabin/formats"
	"pikabin/formats/formattest"
)

var benchLog = &decode.Log{DB: "db0", Slot: -1}

// benchChange is a change with all header fields, as pksetexat gives it.
func benchChange(value []byte) *decode.Change {
	key := []byte("user:profile:00000000012345678")
	c := &decode.Change{
		Log: benchLog, Segment: 1234, Offset: 71834567, End: 71834567 + 34 + int64(len(value)),
		Has:     decode.HasLogicID | decode.HasTerm | decode.HasServerID | decode.HasTime,
		LogicID: 123456789, Term: 3, ServerID: 1, Time: 1795360730,
		Argv: [][]byte{[]byte("pksetexat"), key, []byte("1795361730"), value},
	}
	decode.LookupCommand(c.Argv[0]).Build(c, c.Argv, 0)
	return c
}

// jsonText is n bytes with a quote about every seven bytes.
func jsonText(n int) []byte {
	const object = `{"id":12345,"name":"someone","tags":["a","bc"],"score":12.5},`
	return bytes.Repeat([]byte(object), n/len(object)+1)[:n]
}

func BenchmarkEncode(b *testing.B) {
	values := []struct {
		name  string
		value []byte
	}{
		{"small", bytes.Repeat([]byte("value-0123"), 6)},
		{"medium", jsonText(1 << 10)},
		{"large", jsonText(1 << 18)},
		{"binary", formattest.RandomBytes(1 << 10)},
	}
	for _, format := range formats.All() {
		for _, v := range values {
			b.Run(format.Name+"/"+v.name, func(b *testing.B) {
				benchmarkEncode(b, format.New(formats.Options{}), v.value)
			})
		}
	}
}

// benchmarkEncode encodes changes that follow each other as they do in a log.
func benchmarkEncode(b *testing.B, enc formats.Encoder, value []byte) {
	b.Helper()
	c := benchChange(value)
	var dst []byte
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		size := c.End - c.Offset
		c.Offset = c.End % (100 << 20)
		c.End = c.Offset + size
		c.LogicID++
		if len(dst) > 1<<16 {
			dst = dst[:0]
		}
		dst = enc.AppendChange(dst, c)
	}
}

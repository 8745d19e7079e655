package decode_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// FuzzScanner reads any bytes as any span, continues after all damage, and decodes what comes out.
func FuzzScanner(f *testing.F) {
	for _, g := range generations {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Start: decode.Position{Offset: 300}})
		w.Command("SET", "k", "v")
		w.Command("DEL", "a", "b")
		w.Padding(3, binlogtest.Put{})
		f.Add(w.Bytes(0), uint8(g), uint8(1), uint32(0), uint32(5000))
		w.Fill(8)
		w.Command("SET", "k", "v")
		f.Add(w.Bytes(0)[block-600:], uint8(g), uint8(2), uint32(0), uint32(2*block))
	}
	f.Add(bytes.Repeat([]byte(" "), 70_000), uint8(1), uint8(3), uint32(0), uint32(70_000))
	f.Fuzz(func(t *testing.T, b []byte, generation, flags uint8, begin, end uint32) {
		span := decode.Span{
			Begin: int64(begin % (1 << 20)), End: int64(end % (1 << 30)), Limit: int64(len(b)), Generation: decode.Generation(generation % 7),
			Exact: flags&1 != 0, Final: flags&2 != 0, Open: flags&4 != 0,
		}
		if flags&8 != 0 {
			span.Limit += int64(flags) << 8 // the file is shorter
		}
		if !span.Exact {
			span.Begin -= span.Begin % block
		}
		fuzzSpan(t, b, span, flags&16 != 0)
	})
}

func fuzzSpan(t *testing.T, b []byte, span decode.Span, strict bool) {
	t.Helper()
	d, _ := decode.NewDecoder(decode.DecoderOptions{All: true})
	s := decode.Scanner{Strict: strict}
	s.Reset(bytes.NewReader(b), span)
	var rec decode.Record
	var c decode.Change
	last := span.Begin
	for steps := 0; ; steps++ {
		if steps > 3*len(b)+100 {
			t.Fatalf("no end after %d steps", steps)
		}
		err := s.Next(&rec)
		var damage *decode.CorruptError
		switch {
		case err == io.EOF:
			return
		case errors.As(err, &damage):
			if s.Resync() != nil {
				return
			}
			continue
		case err != nil:
			t.Fatal(err)
		}
		if rec.Offset < last || rec.End <= rec.Offset || rec.End > span.Limit || rec.Offset >= span.End || len(rec.Payload) > len(b) {
			t.Fatalf("record %d to %d of %d bytes after %d", rec.Offset, rec.End, len(rec.Payload), last)
		}
		last = rec.End
		if d.Decode(&span, &rec) == nil {
			for d.Next(&c) {
			}
		}
	}
}

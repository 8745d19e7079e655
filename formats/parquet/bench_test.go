package parquet_test

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"testing"

	"pikabin/decode"
	"pikabin/formats/formattest"
	"pikabin/formats/parquet"
	"pikabin/formats/protobuf"
)

// BenchmarkSeal makes a file of ordinary small changes; the bytes are those of the messages.
func BenchmarkSeal(b *testing.B) {
	spool := ordinary(200_000)
	for _, workers := range []int{1, 2} {
		b.Run(strconv.Itoa(workers), func(b *testing.B) {
			s, err := parquet.NewSealer(parquet.Options{Codec: "zstd", Level: 1, Workers: workers})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(len(spool)))
			b.ReportAllocs()
			for b.Loop() {
				if err := s.Seal(b.Context(), bytes.NewReader(spool), io.Discard); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// ordinary are n messages of commands that follow each other.
func ordinary(n int) []byte {
	enc := protobuf.New(protobuf.Options{})
	c := formattest.Changes()[0].Change
	c.Op, c.Type = decode.OpSet, decode.TypeString
	var spool []byte
	for i := range n {
		c.Key = fmt.Appendf(c.Key[:0], "user:profile:%08d", i*7919%1_000_003)
		c.Value = fmt.Appendf(c.Value[:0], `{"id":%d,"score":%d}`, i*104_729%999_983, i*i%7919)
		c.Offset, c.End = c.End, c.End+100
		c.LogicID++
		spool = enc.AppendChange(spool, c)
	}
	return spool
}

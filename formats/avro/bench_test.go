package avro_test

import (
	"testing"

	"pikabin/formats/avro"
	"pikabin/formats/formattest"
)

// BenchmarkBlock makes a file's block of ordinary changes, with each codec.
func BenchmarkBlock(b *testing.B) {
	enc := avro.New(avro.Options{})
	c := formattest.Changes()[0].Change
	var records []byte
	for len(records) < 512<<10 {
		c.Offset, c.End = c.End, 2*c.End-c.Offset
		c.LogicID++
		records = enc.AppendChange(records, c)
	}
	for _, codec := range avro.Codecs {
		b.Run(codec, func(b *testing.B) {
			blocks, err := avro.NewBlocks(codec, 1)
			if err != nil {
				b.Fatal(err)
			}
			var dst []byte
			b.SetBytes(int64(len(records)))
			b.ReportAllocs()
			for b.Loop() {
				dst = blocks.AppendFrame(dst[:0], records)
			}
		})
	}
}

package avro_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/twmb/avro/ocf"

	"pikabin/formats/avro"
	"pikabin/formats/formattest"
)

// file is a file of a codec with the cases of formattest, some to a block, and where its head and its blocks end.
func file(t *testing.T, codec string, level int) (data []byte, ends, counts []int) {
	t.Helper()
	blocks, err := avro.NewBlocks(codec, level)
	if err != nil {
		t.Fatal(err)
	}
	enc := avro.New(avro.Options{})
	data = blocks.AppendHead(nil)
	ends, counts = []int{len(data)}, []int{0}
	var records []byte
	count := 0
	cases := formattest.Changes()
	for i, c := range cases {
		records = enc.AppendChange(records, c.Change)
		if count++; count%40 == 0 || i == len(cases)-1 {
			data = blocks.AppendFrame(data, records)
			ends, counts = append(ends, len(data)), append(counts, i+1)
			records, count = records[:0], 0
		}
	}
	return data, ends, counts
}

// read gives the records of a file as another reader finds them.
func read(t *testing.T, data []byte) []map[string]any {
	t.Helper()
	r, err := ocf.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var records []map[string]any
	for {
		var record any
		err := r.Decode(&record)
		if errors.Is(err, io.EOF) {
			return records
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, formattest.Present(record.(map[string]any)))
	}
}

func TestBlocks(t *testing.T) {
	for _, codec := range avro.Codecs {
		t.Run(codec, func(t *testing.T) {
			data, ends, counts := file(t, codec, 1)
			if again, _, _ := file(t, codec, 1); !bytes.Equal(again, data) {
				t.Error("the same records became other bytes")
			}
			records := read(t, data)
			for i, c := range formattest.Changes() {
				formattest.CompareColumns(t, c.Change, records[i])
			}
			for i, end := range ends {
				if got := len(read(t, data[:end])); got != counts[i] {
					t.Errorf("cut after block %d: %d records, want %d", i, got, counts[i])
				}
			}
		})
	}
}

func TestBlocksRefuseCodec(t *testing.T) {
	for _, codec := range []string{"", "gzip", "null"} {
		if _, err := avro.NewBlocks(codec, 1); err == nil {
			t.Errorf("%q was taken", codec)
		}
	}
	if _, err := avro.NewBlocks("deflate", 99); err == nil {
		t.Error("level 99 was taken")
	}
}

// TestBlockKeepsPrefix wants what dst holds left alone, and nothing for no records.
func TestBlockKeepsPrefix(t *testing.T) {
	record := avro.New(avro.Options{}).AppendChange(nil, formattest.Changes()[0].Change)
	for _, codec := range avro.Codecs {
		blocks, err := avro.NewBlocks(codec, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := append([]byte("prefix"), blocks.AppendFrame(nil, record)...)
		if got := blocks.AppendFrame([]byte("prefix"), record); !bytes.Equal(got, want) {
			t.Errorf("%s: %q, want %q", codec, got, want)
		}
		if got := blocks.AppendFrame(nil, nil); len(got) != 0 {
			t.Errorf("%s: %q for no records", codec, got)
		}
	}
}

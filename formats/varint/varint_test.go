package varint_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"pikabin/formats/varint"
)

func TestPut(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			got := varint.Put(make([]byte, 0, 32), v)
			if want := binary.AppendUvarint(nil, v); !bytes.Equal(got, want) || len(got) != varint.Len(v) {
				t.Errorf("Put(%#x) = %x, %d bytes expected, want %x", v, got, varint.Len(v), want)
			}
		}
	}
}

func TestZigZag(t *testing.T) {
	for shift := range 64 {
		for _, v := range []int64{1<<shift - 1, 1 << shift, -1 << shift, -1<<shift - 1} {
			want := binary.AppendVarint(nil, v)
			if got := varint.Put(make([]byte, 0, 32), varint.ZigZag(v)); !bytes.Equal(got, want) {
				t.Errorf("%d is written as %x, want %x", v, got, want)
			}
		}
	}
}

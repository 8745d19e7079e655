package protobuf

import (
	"bytes"
	"encoding/binary"
	"testing"
)

func TestPutVarint(t *testing.T) {
	for shift := range 64 {
		for _, v := range []uint64{1<<shift - 1, 1 << shift, 1<<shift + 1} {
			got := putVarint(make([]byte, 0, 32), v)
			if want := binary.AppendUvarint(nil, v); !bytes.Equal(got, want) || len(got) != varintLen(v) {
				t.Errorf("putVarint(%#x) = %x, %d bytes expected, want %x", v, got, varintLen(v), want)
			}
		}
	}
}

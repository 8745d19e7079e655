package binlog_test

import (
	"errors"
	"io"
	"os"
	"testing"

	"pikabin/decode/binlog/folder"
)

func TestFileLivesUntilItsLastUser(t *testing.T) {
	dir, w := severalSegments(t, 1)
	l := findOne(t, dir)
	f, err := l.Open(t.Context(), l.Segments()[0])
	if err != nil {
		t.Fatal(err)
	}
	if got, want := f.Size(), int64(len(w.Bytes(0))); got != want || f.Segment() != l.Segments()[0] || f.Damage() != nil {
		t.Errorf("size %d, segment %v, damage %v, want size %d", got, f.Segment(), f.Damage(), want)
	}
	other := f.Retain()
	if err := f.Release(); err != nil {
		t.Error(err)
	}
	b := make([]byte, 8)
	if n, err := other.ReadAt(b, 0); n != len(b) || err != nil {
		t.Errorf("the other user reads %d bytes, %v", n, err)
	}
	if n, err := other.ReadAt(b, f.Size()-3); n != 3 || !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %d bytes, %v, want 3 and io.EOF", n, err)
	}
	if err := other.Close(); err != nil {
		t.Error(err)
	}
	if _, err := f.ReadAt(b, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after the last user: %v, want %v", err, os.ErrClosed)
	}
}

func TestDamageOfAnOpenArchive(t *testing.T) {
	emptyTemp(t)
	dir, _ := severalSegments(t, 1)
	pack(t, dir, 0, ".zst", func(b []byte) []byte { return b[:len(b)-100] })
	l := findOne(t, dir)
	f, err := l.Open(t.Context(), l.Segments()[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var damage *folder.ArchiveError
	if !errors.As(f.Damage(), &damage) || damage.Offset != f.Size() || f.Size() == 0 {
		t.Errorf("damage %v of %d bytes", f.Damage(), f.Size())
	}
}

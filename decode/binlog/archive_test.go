package binlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlogtest"
)

// noise is bytes that do not compress, the same each time.
func noise(n int) string {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{}).Read(b)
	return string(b)
}

// severalSegments writes segments of about 300 KiB with ten records each.
func severalSegments(t *testing.T, segments int) (dir string, w *binlogtest.Writer) {
	t.Helper()
	w = binlogtest.NewWriter(binlogtest.Options{})
	for range segments {
		for range 10 {
			w.Command("SET", "k", noise(30000))
			w.Advance(1)
		}
		w.Rotate()
	}
	w.Command("SET", "last", "v")
	dir = t.TempDir()
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	return dir, w
}

func compressed(t *testing.T, data []byte, ext string) []byte {
	t.Helper()
	var packed bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&packed)
	if ext == ".zst" {
		enc, err := zstd.NewWriter(&packed)
		if err != nil {
			t.Fatal(err)
		}
		w = enc
	}
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// pack replaces a segment by an archive of it, which edit may damage.
func pack(t *testing.T, dir string, segment uint32, ext string, edit func([]byte) []byte) {
	t.Helper()
	path := filepath.Join(dir, binlogtest.SegmentName(segment))
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	packed := compressed(t, data, ext)
	if edit != nil {
		packed = edit(packed)
	}
	if err := os.WriteFile(path+ext, packed, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func written(w *binlogtest.Writer) []place {
	var want []place
	for _, r := range w.Records() {
		want = append(want, place{r.Segment, r.Offset, r.End})
	}
	return want
}

// emptyTemp makes an empty folder that archives are unpacked in, and fails the test when something is left there.
func emptyTemp(t *testing.T) {
	t.Helper()
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	t.Cleanup(func() {
		entries, err := os.ReadDir(temp)
		if err != nil || len(entries) > 0 {
			t.Errorf("left in TMPDIR: %v, %v", entries, err)
		}
	})
}

func TestArchives(t *testing.T) {
	for _, ahead := range []int{-1, 0, 1, 9} {
		dir, w := severalSegments(t, 6)
		pack(t, dir, 0, ".zst", nil)
		pack(t, dir, 1, ".gz", nil)
		pack(t, dir, 3, ".zst", nil)
		pack(t, dir, 6, ".gz", nil)
		emptyTemp(t)
		got := all(t, findOne(t, dir), binlog.PlanOptions{Ahead: ahead})
		if diff := cmp.Diff(written(w), got); diff != "" {
			t.Errorf("ahead %d: records (-want +got):\n%s", ahead, diff)
		}
	}
}

func TestDamagedArchive(t *testing.T) {
	for name, c := range map[string]struct {
		ext  string
		edit func([]byte) []byte
	}{
		"zstd cut short":        {".zst", func(b []byte) []byte { return b[:len(b)/2] }},
		"gzip cut short":        {".gz", func(b []byte) []byte { return b[:len(b)/2] }},
		"zstd with flipped bit": {".zst", func(b []byte) []byte { b[len(b)-3] ^= 1; return b }},
		"gzip with flipped bit": {".gz", func(b []byte) []byte { b[len(b)-6] ^= 1; return b }},
		"empty":                 {".zst", func([]byte) []byte { return nil }},
		"no archive at all":     {".gz", func([]byte) []byte { return []byte("hello, world") }},
	} {
		t.Run(name, func(t *testing.T) {
			emptyTemp(t)
			dir, w := severalSegments(t, 2)
			pack(t, dir, 0, c.ext, c.edit)
			l := findOne(t, dir)
			got, failures := readAll(t, l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{}))
			var damage *folder.ArchiveError
			var hole decode.Hole
			err := errors.Join(failures...)
			if !errors.As(err, &damage) || !errors.As(err, &hole) {
				t.Fatalf("errors %v, want an *ArchiveError and a hole", failures)
			}
			if _, _, to := hole.Hole(); filepath.Base(damage.Path) != "write2file0"+c.ext || to != at(1, 0) {
				t.Errorf("damage %v, continuing at %v", damage, to)
			}
			var want []place
			for _, p := range written(w) {
				if p.Segment > 0 || p.End <= damage.Offset {
					want = append(want, p)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
		})
	}
}

// TestArchiveOfNothing: a finished segment of no bytes has lost its records, compressed or not.
func TestArchiveOfNothing(t *testing.T) {
	for _, ext := range []string{".zst", ".gz"} {
		dir, _ := severalSegments(t, 2)
		if err := os.Truncate(filepath.Join(dir, "write2file1"), 0); err != nil {
			t.Fatal(err)
		}
		flip(t, dir, 2, [2]int64{0, 50}) // so that it does not tell where the one before it ends
		pack(t, dir, 1, ext, nil)
		_, failures := reaches(t, findOne(t, dir))
		if cut, ok := errors.AsType[*decode.CutShortError](errors.Join(failures...)); !ok || cut.From != at(1, 0) {
			t.Errorf("%s: %v", ext, failures)
		}
	}
}

func TestUnpackingIntoAMissingFolder(t *testing.T) {
	dir, _ := severalSegments(t, 1)
	pack(t, dir, 0, ".zst", nil)
	l := findOne(t, dir)
	t.Setenv("TMPDIR", filepath.Join(dir, "nowhere"))
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	if _, err := p.Next(t.Context()); err == nil || !strings.Contains(err.Error(), "unpacking "+dir) || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("error %v, want one that names the archive and the folder", err)
	}
}

func TestUnpackingIsCancelled(t *testing.T) {
	emptyTemp(t)
	dir, w := severalSegments(t, 3)
	for i := range uint32(3) {
		pack(t, dir, i, ".zst", nil)
	}
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("enough")
	cancel(why)
	if _, err := p.Next(ctx); !errors.Is(err, why) && !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, why)
	}
	got, failures := readAll(t, p)
	if diff := cmp.Diff(written(w), got); diff != "" || failures != nil {
		t.Errorf("with another context: %v, records (-want +got):\n%s", failures, diff)
	}
}

// TestChunksOutliveThePlan: a chunk's bytes stay readable until its release.
func TestChunksOutliveThePlan(t *testing.T) {
	emptyTemp(t)
	dir, _ := severalSegments(t, 2)
	pack(t, dir, 0, ".zst", nil)
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	chunk, err := p.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := readChunk(chunk)
	if err != nil || len(got) != 10 {
		t.Errorf("%d records, %v, want 10", len(got), err)
	}
	chunk.Release()
	if _, err := p.Next(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after Close: %v, want io.EOF", err)
	}
}

package damaged

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/klauspost/compress/zstd"

	"pikabin/decode/binlogtest"
)

// archive compresses finished segments.
func (l *Log) archive(r *rand.Rand) {
	for _, number := range l.numbers() {
		if number >= l.Newest || r.IntN(2) == 0 {
			continue
		}
		l.archives[number] = []string{".zst", ".gz"}[r.IntN(2)]
		l.note("%d: compressed as %s", number, l.archives[number])
	}
}

// writeSegment writes one segment as it is kept.
func (l *Log) writeSegment(dir string, number uint32, data []byte) error {
	extension, ok := l.archives[number]
	if !ok {
		return binlogtest.WriteSegment(dir, binlogtest.Segment{Number: number, Bytes: data})
	}
	var packed bytes.Buffer
	var w io.WriteCloser = gzip.NewWriter(&packed)
	if extension == ".zst" {
		var err error
		if w, err = zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1)); err != nil {
			return fmt.Errorf("compressing write2file%d: %w", number, err)
		}
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("compressing write2file%d: %w", number, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("compressing write2file%d: %w", number, err)
	}
	return os.WriteFile(filepath.Join(dir, binlogtest.SegmentName(number)+extension), packed.Bytes(), 0o600)
}

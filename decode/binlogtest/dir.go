package binlogtest

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// SegmentName is the file name of a segment.
func SegmentName(number uint32) string {
	return "write2file" + strconv.FormatUint(uint64(number), 10)
}

// WriteDir writes the log to a folder, which it makes: the segments, then the manifest, and nothing
// is removed.
func (w *Writer) WriteDir(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("making the log folder: %w", err)
	}
	for _, s := range w.Segments() {
		if err := WriteSegment(dir, s); err != nil {
			return err
		}
	}
	return writeFile(dir, "manifest", w.Manifest())
}

// WriteSegment writes one segment to a folder that is there.
func WriteSegment(dir string, s Segment) error {
	return writeFile(dir, SegmentName(s.Number), s.Bytes)
}

func writeFile(dir, name string, b []byte) error {
	if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
		return fmt.Errorf("writing %s: %w", name, err)
	}
	return nil
}

// Package frame compresses batches, each into a frame that can be read by itself.
package frame

import (
	"compress/flate"
	"fmt"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is a codec and its level. The zero value compresses nothing.
type Compression struct {
	codec string // "", "zstd" or "gzip"
	level int    // as on the command line of zstd and gzip
}

// defaultLevel is the fastest: with it the compression keeps up with the reading, and the next level
// costs twice the time for a few percent of size.
const defaultLevel = 1

// Parse reads NAME[:LEVEL], where NAME is none, zstd (levels 1 to 22) or gzip (1 to 9).
func Parse(s string) (Compression, error) {
	name, level, hasLevel := strings.Cut(s, ":")
	c := Compression{codec: name, level: defaultLevel}
	limit, ok := map[string]int{"none": 0, "zstd": 22, "gzip": 9}[name]
	if !ok {
		return Compression{}, fmt.Errorf("%q is not a compression: expected zstd, gzip or none, and a level as in zstd:3", s)
	}
	if hasLevel {
		n, err := strconv.Atoi(level)
		if err != nil || n < 1 || n > limit {
			return Compression{}, fmt.Errorf("%q: %s has no level %s, only 1 to %d", s, name, level, limit)
		}
		c.level = n
	}
	if name == "none" {
		return Compression{}, nil
	}
	return c, nil
}

// Of tells the compression from the name of a file. Other outputs have none.
func Of(name string) Compression {
	switch {
	case strings.Contains(name, "://"):
		return Compression{}
	case strings.HasSuffix(name, ".zst"):
		return Compression{codec: "zstd", level: defaultLevel}
	case strings.HasSuffix(name, ".gz"):
		return Compression{codec: "gzip", level: defaultLevel}
	}
	return Compression{}
}

// String is the form that Parse reads, "" for none.
func (c Compression) String() string {
	if c.codec == "" {
		return ""
	}
	return c.codec + ":" + strconv.Itoa(c.level)
}

// Ext is the end of a file's name: ".zst", ".gz" or nothing.
func (c Compression) Ext() string {
	return map[string]string{"zstd": ".zst", "gzip": ".gz"}[c.codec]
}

// Compressor makes one independent frame of each batch, so that workers compress in parallel and a file
// can be cut at the end of any batch. Of nothing it makes a frame, too. It belongs to one goroutine.
type Compressor interface {
	AppendFrame(dst, src []byte) []byte
}

// NewCompressor gives one for a goroutine; nil where nothing is compressed.
func (c Compression) NewCompressor() (Compressor, error) {
	switch c.codec {
	case "zstd":
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true), zstd.WithAllLitEntropyCompression(true),
			zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(c.level)))
		if err != nil {
			return nil, fmt.Errorf("compression zstd:%d: %w", c.level, err)
		}
		return zstdFrames{enc}, nil
	case "gzip":
		w, err := gzip.NewWriterLevel(nil, max(c.level, flate.BestSpeed))
		if err != nil {
			return nil, fmt.Errorf("compression gzip:%d: %w", c.level, err)
		}
		return &gzipMembers{w: w}, nil
	}
	return nil, nil
}

type zstdFrames struct{ enc *zstd.Encoder }

func (z zstdFrames) AppendFrame(dst, src []byte) []byte { return z.enc.EncodeAll(src, dst) }

type gzipMembers struct {
	w   *gzip.Writer
	dst appended
}

// appended is a writer to the end of a slice.
type appended []byte

func (a *appended) Write(b []byte) (int, error) {
	*a = append(*a, b...)
	return len(b), nil
}

// AppendFrame cannot fail: the writer's target is memory.
func (g *gzipMembers) AppendFrame(dst, src []byte) []byte {
	g.dst = dst
	g.w.Reset(&g.dst)
	g.w.Write(src) //nolint:errcheck,gosec // appended takes everything
	g.w.Close()    //nolint:gosec // the same
	dst, g.dst = g.dst, nil
	return dst
}

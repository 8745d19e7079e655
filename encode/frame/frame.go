// Package frame compresses batches, each into a frame that can be read by itself.
package frame

import (
	"cmp"
	"compress/flate"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Compression is a codec and its level. The zero value compresses nothing.
type Compression struct {
	codec string // a name of codecs, or "" for none
	level int    // as on the command line of zstd and gzip
}

// defaultLevel is the fastest: with it the compression keeps up with the reading, and the next level
// costs twice the time for a few percent of size.
const defaultLevel = 1

// codec is a row of the table of compressions.
type codec struct {
	name   string
	ext    string                              // of a file's name
	levels int                                 // from 1; 0: it has none
	make   func(level int) (Compressor, error) // nil: only formats with files of their own compress with it
}

var codecs = []codec{
	{name: "none", make: func(int) (Compressor, error) { return nil, nil }},
	{name: "zstd", ext: ".zst", levels: 22, make: newZstd},
	{name: "gzip", ext: ".gz", levels: 9, make: newGzip},
	{name: "deflate", levels: 9},
	{name: "snappy"},
}

// find gives the row of a name; a row without a name if there is none.
func find(name string) codec {
	for _, c := range codecs {
		if c.name == name {
			return c
		}
	}
	return codec{}
}

// Streams are the names of the compressions of a stream.
func Streams() []string {
	var names []string
	for _, c := range codecs {
		if c.make != nil {
			names = append(names, c.name)
		}
	}
	return names
}

// Parse reads NAME[:LEVEL], of one of the codecs; of those of a stream, if none are given.
func Parse(s string, of ...string) (Compression, error) {
	if len(of) == 0 {
		of = Streams()
	}
	name, level, hasLevel := strings.Cut(s, ":")
	c := Compression{codec: name, level: defaultLevel}
	row := find(name)
	if row.name == "" || !slices.Contains(of, name) {
		return Compression{}, fmt.Errorf("%q is not a compression here: expected one of %s, and a level as in zstd:3", s, strings.Join(of, ", "))
	}
	if hasLevel && row.levels == 0 {
		return Compression{}, fmt.Errorf("%q: %s has no levels", s, name)
	}
	if hasLevel {
		n, err := strconv.Atoi(level)
		if err != nil || n < 1 || n > row.levels {
			return Compression{}, fmt.Errorf("%q: %s has no level %s, only 1 to %d", s, name, level, row.levels)
		}
		c.level = n
	}
	if name == "none" {
		return Compression{}, nil
	}
	return c, nil
}

// Codec is the name of the compression, and its level.
func (c Compression) Codec() (name string, level int) { return cmp.Or(c.codec, "none"), c.level }

// Of tells the compression from the name of a file.
func Of(name string) Compression {
	for _, c := range codecs {
		if c.ext != "" && strings.HasSuffix(name, c.ext) {
			return Compression{codec: c.name, level: defaultLevel}
		}
	}
	return Compression{}
}

// String is the form that Parse reads, "" for none.
func (c Compression) String() string {
	if c.codec == "" || find(c.codec).levels == 0 {
		return c.codec
	}
	return c.codec + ":" + strconv.Itoa(c.level)
}

// Ext is the end of a file's name: ".zst", ".gz" or nothing.
func (c Compression) Ext() string { return find(c.codec).ext }

// Compressor makes one independent frame of each batch, so that workers compress in parallel and a file
// can be cut at the end of any batch. An empty batch is a frame, too. It belongs to one goroutine.
type Compressor interface {
	AppendFrame(dst, src []byte) []byte
}

// NewCompressor gives one for a goroutine; nil where nothing is compressed.
func (c Compression) NewCompressor() (Compressor, error) {
	if row := find(c.codec); row.make != nil {
		return row.make(c.level)
	}
	return nil, nil
}

// newZstd packs literals that match nothing, too: noise in base64 to three quarters, at 200 MB/s. What matches is as long and as quick with it as without.
func newZstd(level int) (Compressor, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithZeroFrames(true), zstd.WithAllLitEntropyCompression(true),
		zstd.WithEncoderLevel(zstd.EncoderLevelFromZstd(level)))
	if err != nil {
		return nil, fmt.Errorf("compression zstd:%d: %w", level, err)
	}
	return zstdFrames{enc}, nil
}

func newGzip(level int) (Compressor, error) {
	w, err := gzip.NewWriterLevel(nil, max(level, flate.BestSpeed))
	if err != nil {
		return nil, fmt.Errorf("compression gzip:%d: %w", level, err)
	}
	return &gzipMembers{w: w}, nil
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

package readback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"

	"github.com/twmb/avro/ocf"
)

// container is an object container file of Avro.
type container struct {
	in      *ocf.Reader
	message []byte
}

// avroFile reads blocks of any size: a large record is in one of its own, of more than the library takes for sound.
func avroFile(f File, _ string) (Messages, error) {
	codec, err := ocf.ZstdCodec(nil, nil)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(f, 0, f.Size()), ahead(f))
	r, err := ocf.NewReader(in, ocf.WithCodec(codec), ocf.WithMaxBlockBytes(f.Size()), ocf.WithMaxDecompressedBlockBytes(math.MaxInt32))
	if err != nil {
		return nil, fmt.Errorf("reading an Avro file: %w", err)
	}
	return &container{in: r}, nil
}

// Next implements Messages.
func (c *container) Next(context.Context) ([]byte, error) {
	var r row
	if err := c.in.Decode(&r); err != nil {
		return nil, err
	}
	message, err := r.appendMessage(c.message[:0])
	if err == nil {
		c.message = message
	}
	return message, err
}

// Close implements Messages.
func (c *container) Close() { c.in.Close() } //nolint:gosec // nothing was written

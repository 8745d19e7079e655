package folder

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gunzip unpacks the members of a gzip file, and takes zeros after the last of them, as gzip does: tapes and block devices leave such padding.
type gunzip struct {
	packed *bufio.Reader
	member *gzip.Reader
}

func newGunzip(r io.Reader) (*gunzip, error) {
	packed := bufio.NewReader(r)
	member, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	member.Multistream(false)
	return &gunzip{packed, member}, nil
}

// Read gives the next unpacked bytes.
func (g *gunzip) Read(p []byte) (int, error) {
	for {
		n, err := g.member.Read(p)
		switch {
		case !errors.Is(err, io.EOF):
			return n, err
		case n > 0:
			return n, nil
		}
		if err := g.next(); err != nil {
			return 0, err
		}
	}
}

// next begins the next member. It is io.EOF where there is none.
func (g *gunzip) next() error {
	padded := false
	for {
		b, err := g.packed.ReadByte()
		switch {
		case err != nil:
			return err
		case b == 0:
			padded = true
			continue
		case padded:
			return gzip.ErrHeader
		}
		if err := g.packed.UnreadByte(); err != nil {
			return err
		}
		err = g.member.Reset(g.packed)
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF // half a header
		}
		g.member.Multistream(false)
		return err
	}
}

// Close closes the member that is being read.
func (g *gunzip) Close() error { return g.member.Close() }

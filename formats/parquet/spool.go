package parquet

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// spool parts the rows into groups.
type spool struct {
	in    io.Reader
	bound int64  // of the bytes of a group
	rest  []byte // what was read after the last group
	rows  int64
	free  chan *group
	turn  chan struct{} // has room for the one that reads
	reads bool          // this one does
}

// next gives the next group once there is one that is free, or io.EOF. It keeps the turn until there are no more.
func (s *spool) next(ctx context.Context) (*group, error) {
	if err := s.takeTurn(ctx); err != nil {
		return nil, err
	}
	var g *group
	select {
	case g = <-s.free:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	err := s.fill(g)
	if err != nil {
		s.put(g)
		s.endTurn()
	}
	return g, err
}

// takeTurn waits until no other spool is read.
func (s *spool) takeTurn(ctx context.Context) error {
	if s.reads {
		return nil
	}
	select {
	case s.turn <- struct{}{}:
		s.reads = true
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// endTurn lets another spool be read.
func (s *spool) endTurn() {
	if s.reads {
		s.reads = false
		<-s.turn
	}
}

// fill reads the messages of a group.
func (s *spool) fill(g *group) error {
	g.messages = append(g.messages, s.rest...)
	end := 0
	for g.rows < rowsInGroup && int64(end) < s.bound {
		size, err := s.message(g, end)
		if err == io.EOF { //nolint:errorlint // a message that is cut short wraps another
			break
		}
		if err != nil {
			return fmt.Errorf("row %d of the part: %w", s.rows, err)
		}
		end += size
		g.rows++
		s.rows++
	}
	s.rest = append(s.rest[:0], g.messages[end:]...)
	g.messages = g.messages[:end]
	if g.rows == 0 {
		return io.EOF
	}
	return nil
}

// message sees that the message at a place is whole, and gives its length.
func (s *spool) message(g *group, at int) (int, error) {
	for {
		rest := g.messages[at:]
		size, n := binary.Uvarint(rest)
		switch {
		case n < 0:
			return 0, errors.New("the length of a message is none")
		case n > 0 && size <= uint64(len(rest)-n):
			return n + int(size), nil
		}
		if err := s.read(g); err != nil {
			if len(rest) > 0 {
				err = fmt.Errorf("it is cut short: %w", noEOF(err))
			}
			return 0, err
		}
	}
}

const readStep = 1 << 20

// read reads more: a step, since the length of a message may be of a damaged file.
func (s *spool) read(g *group) error {
	start := len(g.messages)
	if need := start + readStep; cap(g.messages) < need { // up to the size of a row group, and not far beyond it
		g.messages = slices.Grow(g.messages, max(readStep, min(start, int(s.bound)+readStep-start)))
	}
	n, err := io.ReadFull(s.in, g.messages[start:start+readStep])
	g.messages = g.messages[:start+n]
	if n > 0 {
		return nil
	}
	return err
}

// noEOF is err, but for an end of the file where none may be.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// put makes a group free. What a large message has made large is let go.
func (s *spool) put(g *group) {
	g.rows, g.err = 0, nil
	g.messages = reuse(g.messages, s.bound)
	s.free <- g
}

//go:build unix

package pikasim

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// Rotate continues with the next segment, which has no byte until the next put. G5 creates it before the old one is closed, as
// 3.5.0 and later do; the others after that.
func (s *Server) Rotate() error {
	if s.segment == nil {
		return ErrStopped
	}
	next := decode.Position{Segment: s.segment.number + 1}
	if s.opts.Generation < decode.G5 {
		if err := s.finish(); err != nil {
			return err
		}
	}
	segment, err := s.create(next.Segment)
	if err != nil {
		return err
	}
	if s.opts.Generation >= decode.G5 {
		if err := s.finish(); err != nil {
			segment.drop()
			return err
		}
	}
	s.segment = segment
	return s.save(next, nil)
}

// create makes an empty segment, over whatever had its name.
func (s *Server) create(number uint32) (*segment, error) {
	segment, err := createSegment(s.path(binlogtest.SegmentName(number)), number, &s.opts)
	if err != nil {
		return nil, err
	}
	s.forget(decode.Position{Segment: number})
	if err := s.step(StepCreate); err != nil {
		segment.drop()
		return nil, err
	}
	return segment, nil
}

// finish cuts and closes the current segment.
func (s *Server) finish() error {
	old := s.segment
	if err := old.cut(); err != nil {
		return err
	}
	if err := s.step(StepCut); err != nil {
		return err
	}
	old.drop()
	return s.step(StepClose)
}

// FullSync does what a replica does at the end of a full sync at the master's position (Binlog::SetProducerStatus):
// write2file0 and the position's segment are deleted, the latter created and filled up to the position. Segments above it stay, and
// rotations will run into them.
func (s *Server) FullSync(to decode.Position) error {
	if s.segment == nil {
		return ErrStopped
	}
	filled := binlogtest.NewWriter(binlogtest.Options{
		Generation: s.opts.Generation, Filling: s.opts.Filling, Start: to, Time: s.now(),
	})
	if err := s.finish(); err != nil {
		return err
	}
	for _, number := range slices.Compact([]uint32{0, to.Segment}) {
		if err := s.remove(number); err != nil {
			return err
		}
	}
	segment, err := s.create(to.Segment)
	if err != nil {
		return err
	}
	s.segment = segment
	for block := range slices.Chunk(filled.Bytes(to.Segment), decode.BlockSize) {
		if err := s.store(block, StepFill); err != nil {
			return err
		}
	}
	s.puts = binlogtest.Resynced(s.opts.Generation, s.puts)
	return s.moveTo(filled.Position(), BreakFullSync)
}

// Truncate cuts the log at the end of a record, as the negotiation of leaders does in 3.3 and later with a consensus level
// (StableLog::TruncateTo): segments above it are deleted, lowest first, and what is put then takes the place of what was there.
// The logic id goes back to that of the last record known to end there, or to 0.
func (s *Server) Truncate(to decode.Position) error {
	if s.segment == nil {
		return ErrStopped
	}
	numbers, err := s.Segments()
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if number <= to.Segment {
			continue
		}
		if err := s.remove(number); err != nil {
			return err
		}
	}
	if err := s.finish(); err != nil {
		return err
	}
	path := s.path(binlogtest.SegmentName(to.Segment))
	if err := os.Truncate(path, to.Offset); err != nil {
		return fmt.Errorf("truncating the log: %w", err)
	}
	s.forget(to)
	if err := s.step(StepTruncate); err != nil {
		return err
	}
	if s.segment, err = openSegment(path, to, &s.opts); err != nil {
		return err
	}
	s.puts = s.lastLogicID()
	return s.moveTo(to, BreakTruncate)
}

// moveTo stores a position that is no result of a put.
func (s *Server) moveTo(to decode.Position, reason Break) error {
	err := s.save(to, func() { s.noteBreak(reason, to) })
	s.status = s.stored
	return err
}

// remove unlinks a segment, if it is there.
func (s *Server) remove(number uint32) error {
	err := os.Remove(s.path(binlogtest.SegmentName(number)))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unlinking a segment: %w", err)
	}
	s.forget(decode.Position{Segment: number})
	if s.segment.number == number {
		s.segment.purged = true
	}
	return s.step(StepDelete)
}

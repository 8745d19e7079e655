//go:build unix

package pikasim

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Segments are the numbers of the segment files that are there, in order.
func (s *Server) Segments() ([]uint32, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return nil, fmt.Errorf("listing segments: %w", err)
	}
	var numbers []uint32
	for _, e := range entries {
		digits, ok := strings.CutPrefix(e.Name(), "write2file")
		if n, err := strconv.ParseUint(digits, 10, 32); ok && err == nil {
			numbers = append(numbers, uint32(n))
		}
	}
	slices.Sort(numbers)
	return numbers, nil
}

// Purge unlinks segments, lowest first, until keep are left or only the current one and those above it.
func (s *Server) Purge(keep int) error {
	numbers, err := s.Segments()
	if err != nil {
		return err
	}
	return s.purge(numbers[:max(len(numbers)-keep, 0)])
}

// PurgeTo unlinks segments up to that number, lowest first, but for the current one and those above it.
func (s *Server) PurgeTo(number uint32) error {
	numbers, err := s.Segments()
	if err != nil {
		return err
	}
	n, _ := slices.BinarySearch(numbers, number+1)
	return s.purge(numbers[:n])
}

func (s *Server) purge(numbers []uint32) error {
	for _, number := range numbers {
		if s.segment == nil {
			return ErrStopped
		}
		if number >= s.segment.number {
			break
		}
		if err := s.remove(number); err != nil {
			return err
		}
	}
	return nil
}

// PurgeLive unlinks every segment, the current one included, as PURGELOGSTO does on a log of fewer than ten segments (seen on
// 3.5.5 and 4.0.1). What is put then goes into a file without a name, until a rotation.
func (s *Server) PurgeLive() error {
	if s.segment == nil {
		return ErrStopped
	}
	numbers, err := s.Segments()
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if err := s.remove(number); err != nil {
			return err
		}
	}
	return nil
}

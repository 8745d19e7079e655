//go:build unix

package pikasim

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"pikabin/decode"
)

// segment is one segment file that is written to, as an MmapWritableFile holds it: one region of it is mapped.
type segment struct {
	file   *os.File
	number uint32
	region int64 // the length of every region
	sparse bool  // grow by ftruncate, which also makes a longer file shorter

	base   int64  // where in the file the mapped region begins
	mem    []byte // the region, nil before the first store
	end    int64  // where the next byte goes
	purged bool   // its name is gone
}

func createSegment(path string, number uint32, opts *Options) (*segment, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("creating a segment: %w", err)
	}
	return &segment{file: f, number: number, region: opts.Region, sparse: opts.Generation <= decode.G1}, nil
}

// openSegment opens a segment to go on at a position. Nothing happens to the file before the first store.
func openSegment(path string, at decode.Position, opts *Options) (*segment, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("opening the manifest's segment: %w", err)
	}
	s := &segment{file: f, number: at.Segment, region: opts.Region, sparse: opts.Generation <= decode.G1, end: at.Offset}
	// The first region holds all that is there: 4, 5, 6 and so on MiB of it.
	if beyond := at.Offset - opts.Region; beyond > 0 {
		step := opts.Region / 4
		s.region += (beyond + step - 1) / step * step
	}
	return s, nil
}

// store copies what has room in the mapped region, and returns the rest.
func (s *segment) store(b []byte) []byte {
	if s.mem == nil {
		return b
	}
	n := copy(s.mem[s.end-s.base:], b)
	s.end += int64(n)
	return b[n:]
}

// grow maps the region after the one that is mapped, or the first one, and makes the file long enough.
func (s *segment) grow() error {
	next := s.base + int64(len(s.mem))
	s.unmap()
	if err := s.allocate(next); err != nil {
		return fmt.Errorf("making write2file%d longer: %w", s.number, err)
	}
	mem, err := unix.Mmap(int(s.file.Fd()), next, int(s.region), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping write2file%d: %w", s.number, err)
	}
	s.base, s.mem = next, mem
	return nil
}

func (s *segment) allocate(begin int64) error {
	if s.sparse {
		return s.file.Truncate(begin + s.region)
	}
	return fallocate(s.file, begin, s.region)
}

// patch overwrites bytes that were stored before.
func (s *segment) patch(b []byte, at int64) error {
	if at >= s.base {
		copy(s.mem[at-s.base:], b)
		return nil
	}
	// A mapped region is left only within records that are longer than the rest of it.
	n := min(int64(len(b)), s.base-at)
	if _, err := s.file.WriteAt(b[:n], at); err != nil {
		return fmt.Errorf("patching write2file%d: %w", s.number, err)
	}
	copy(s.mem, b[n:])
	return nil
}

// cut is what closing does to the file: what is mapped after the end goes. A file that was not stored to, and
// one whose region is full, keep what lies after.
func (s *segment) cut() error {
	unused := s.base + int64(len(s.mem)) - s.end
	if s.mem == nil || unused == 0 {
		return nil
	}
	s.unmap()
	if err := s.file.Truncate(s.end); err != nil {
		return fmt.Errorf("cutting write2file%d: %w", s.number, err)
	}
	return nil
}

// drop closes the file as it is, as the end of the process does.
func (s *segment) drop() {
	s.unmap()
	_ = s.file.Close()
}

func (s *segment) unmap() {
	if s.mem != nil {
		_ = unix.Munmap(s.mem)
		s.mem = nil
	}
}

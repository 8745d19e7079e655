//go:build unix

package pikasim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// The steps of a server. Options.Step is called with one of them right after it was done.
const (
	StepTrailer  = "trailer"  // the zeros before a header that does not fit its block
	StepRegion   = "region"   // the file was made longer, and the new part mapped
	StepHeader   = "header"   // of a fragment
	StepPayload  = "payload"  // of that fragment
	StepCreate   = "create"   // a segment was created, or truncated if it was there
	StepCut      = "cut"      // a segment was cut to the end of its records
	StepClose    = "close"    // and closed
	StepFill     = "fill"     // a block, or the rest of one, after a full sync
	StepTruncate = "truncate" // a segment was cut by Truncate
	StepDelete   = "delete"   // one segment was unlinked

	StepNumber  = "manifest-number"
	StepOffset  = "manifest-offset"
	StepLogicID = "manifest-logic-id" // G3 and later
	StepTerm    = "manifest-term"     // G4 and later
)

// DefaultRegion is by how much Pika makes a new segment longer.
const DefaultRegion = 4 << 20

// Errors of a server that does not run, and of one that was killed in the middle of the call.
var (
	ErrStopped = errors.New("the server is stopped")
	ErrKilled  = errors.New("the server was killed")
)

// Options say what server it is. The zero value is a 4.0 master with a clock that stands still.
type Options struct {
	Generation  decode.Generation  // default G5
	SegmentSize int64              // binlog-file-size; default 100 MiB
	Region      int64              // default DefaultRegion; a multiple of four pages
	Filling     binlogtest.Filling // of FullSync
	Origin      uint32             // server id or term, as in binlogtest.Options
	Stamp       bool               // replace Placeholder in a record; see there

	// Clock gives the time of headers; nil is binlogtest.DefaultTime forever, so that the same calls give the same bytes.
	Clock func() time.Time

	// Step is called after every step, on the goroutine of the call. It may call Kill, and nothing else that writes.
	Step func(step string)

	// OnCommit is called with each entry of the journal right before the store that commits it, so that whoever
	// dies in between has an entry too many and never one too few. The entry is valid during the call.
	OnCommit func(*Entry)

	// Discard keeps no journal in memory. The records that OnCommit gets then have no commands, and a payload that is
	// valid during the call.
	Discard bool
}

// Server is a Pika server with one DB, as its disk sees it. Only Journal and OnDisk may be called beside another call.
type Server struct {
	opts Options
	dir  string
	enc  *binlogtest.Encoder

	segment  *segment // nil when the server does not run
	manifest *manifest

	stored decode.Position // what the manifest says, be it a mixture
	clean  decode.Position // what it said last that was none
	status decode.Position // what the next item header says; it lags stored from a rotation to the next put
	puts   uint64
	killed bool
	ran    bool  // there was a start before
	entry  Entry // scratch

	barrier atomic.Uint64

	mu      sync.Mutex // guards what follows
	journal []Entry
	onDisk  []binlogtest.Want
	newest  uint32
}

// Open starts a server on a log folder, which it makes if there is none. As Pika does, it believes the manifest
// without a look at the segments; it fails if the segment named there is not there; and without a manifest it begins at
// 0:0 and truncates write2file0.
func Open(dir string, opts Options) (*Server, error) {
	if opts.Generation == decode.GenerationUnknown {
		opts.Generation = decode.G5
	}
	if opts.SegmentSize == 0 {
		opts.SegmentSize = binlogtest.DefaultSegmentSize
	}
	if opts.Region == 0 {
		opts.Region = DefaultRegion
	}
	if opts.Region%int64(4*os.Getpagesize()) != 0 {
		return nil, fmt.Errorf("region of %d bytes is no multiple of four pages", opts.Region)
	}
	s := &Server{opts: opts, dir: dir, enc: binlogtest.NewEncoder(binlogtest.Options{
		Generation: opts.Generation, Origin: opts.Origin, Discard: opts.Discard,
	})}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("making the log folder: %w", err)
	}
	return s, s.start()
}

// Restart starts a server that was killed or closed, and closes it before if it runs. The journal continues.
func (s *Server) Restart() error {
	if s.segment != nil {
		if err := s.Close(); err != nil {
			return err
		}
	}
	return s.start()
}

func (s *Server) start() error {
	s.killed = false
	m, err := openManifest(s.path("manifest"), s.opts.Generation)
	if errors.Is(err, os.ErrNotExist) {
		return s.startAnew()
	}
	if err != nil {
		return err
	}
	at := m.position()
	segment, err := openSegment(s.path(binlogtest.SegmentName(at.Segment)), at, &s.opts)
	if err != nil {
		m.close()
		return err
	}
	s.segment, s.manifest = segment, m
	s.stored, s.status, s.puts = at, at, m.logicID()
	if s.ran && at != s.clean {
		s.noteBreak(BreakTornManifest, at)
	}
	s.clean, s.ran = at, true
	s.setNewest(at.Segment)
	return nil
}

// startAnew is the start without a manifest.
func (s *Server) startAnew() error {
	segment, err := s.create(0)
	if err != nil {
		return err
	}
	m, err := createManifest(s.path("manifest"), s.opts.Generation)
	if err != nil {
		segment.drop()
		return err
	}
	s.segment, s.manifest, s.puts = segment, m, 0
	s.stored, s.status = decode.Position{}, decode.Position{}
	if s.ran {
		s.noteBreak(BreakLostManifest, decode.Position{})
	}
	s.clean, s.ran = decode.Position{}, true
	s.setNewest(0)
	return s.save(decode.Position{}, nil)
}

// Command puts a record with one command.
func (s *Server) Command(argv ...string) error {
	return s.Put(binlogtest.Put{Commands: [][]string{argv}})
}

// Put appends one record, after a rotation if one is due, and commits it.
func (s *Server) Put(p binlogtest.Put) error {
	at, err := s.begin()
	if err != nil {
		return err
	}
	now := s.now()
	if p.Time == 0 {
		p.Time = now
	}
	if p.ExecTime == 0 {
		p.ExecTime = now
	}
	r := s.enc.Put(p, at)
	return s.write(&r)
}

// Record puts a record with any payload, or an empty one.
func (s *Server) Record(payload []byte) error {
	at, err := s.begin()
	if err != nil {
		return err
	}
	r := s.enc.Record(payload, s.now(), at)
	return s.write(&r)
}

// begin is what happens before a record is appended.
func (s *Server) begin() (binlogtest.Producer, error) {
	if s.segment == nil {
		return binlogtest.Producer{}, ErrStopped
	}
	if s.segment.end > s.opts.SegmentSize {
		if err := s.Rotate(); err != nil {
			return binlogtest.Producer{}, err
		}
	}
	return binlogtest.Producer{Segment: s.segment.number, Offset: s.segment.end, Status: s.status, LogicID: s.puts}, nil
}

func (s *Server) write(r *binlogtest.Encoded) error {
	end := s.stored
	end.Offset += int64(len(r.Bytes))
	if err := s.produce(r.Bytes); err != nil {
		return err
	}
	if s.opts.Stamp {
		if err := s.stamp(r); err != nil {
			return err
		}
	}
	if s.opts.Discard {
		r.Want.Payload = r.Payload
	}
	s.puts++
	err := s.save(end, func() { s.noteRecord(&r.Want) })
	s.status = s.stored
	return err
}

// produce stores a record fragment by fragment, each header before its payload.
func (s *Server) produce(b []byte) error {
	header := binlogtest.HeaderSize(s.opts.Generation)
	for len(b) > 0 {
		if left := int(decode.BlockSize - s.segment.end%decode.BlockSize); left < header {
			if err := s.store(b[:left], StepTrailer); err != nil {
				return err
			}
			b = b[left:]
		}
		size := header + fragmentSize(b)
		if err := s.store(b[:header], StepHeader); err != nil {
			return err
		}
		if err := s.store(b[header:size], StepPayload); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

// store puts bytes into the segment, which grows where its mapping ends.
func (s *Server) store(b []byte, step string) error {
	for {
		b = s.segment.store(b)
		if len(b) == 0 {
			return s.step(step)
		}
		if err := s.segment.grow(); err != nil {
			return err
		}
		if err := s.step(StepRegion); err != nil {
			return err
		}
	}
}

// save stores the manifest's fields one after the other. commit is called once, right before the store that makes
// the manifest say to.
func (s *Server) save(to decode.Position, commit func()) error {
	for _, f := range s.manifest.fields {
		next := s.stored
		switch f.step {
		case StepNumber:
			next.Segment = to.Segment
		case StepOffset:
			next.Offset = to.Offset
		}
		if next == to {
			if commit != nil {
				commit()
				commit = nil
			}
			s.clean = to
			s.setNewest(to.Segment)
		}
		s.manifest.store(f, next, s.puts, s.opts.Origin)
		s.stored = next
		if err := s.step(f.step); err != nil {
			return err
		}
	}
	return nil
}

// step ends a step. The barrier keeps the stores of two steps in order on processors that would not.
func (s *Server) step(name string) error {
	s.barrier.Add(1)
	if s.opts.Step != nil {
		s.opts.Step(name)
	}
	if s.killed {
		return ErrKilled
	}
	return nil
}

// Close is a clean stop: the segment is cut to its end if it was written to, and the manifest stored once more.
func (s *Server) Close() error {
	if s.segment == nil {
		return ErrStopped
	}
	if err := s.finish(); err != nil {
		return err
	}
	if err := s.save(s.stored, nil); err != nil {
		return err
	}
	s.manifest.close()
	s.segment, s.manifest = nil, nil
	return nil
}

// Kill leaves everything as it is at this moment, as kill -9 does. The call in the middle of which it comes, from
// Options.Step, returns ErrKilled.
func (s *Server) Kill() {
	s.killed = true
	if s.segment == nil {
		return
	}
	s.segment.drop()
	s.manifest.close()
	s.segment, s.manifest = nil, nil
}

// LoseManifest kills the server and removes its manifest. The next start begins at 0:0.
func (s *Server) LoseManifest() error {
	s.Kill()
	if err := os.Remove(s.path("manifest")); err != nil {
		return fmt.Errorf("removing the manifest: %w", err)
	}
	return nil
}

// Position is what the manifest says now, or said when the server stopped. In the middle of a call it may be a
// mixture of two positions.
func (s *Server) Position() decode.Position { return s.stored }

// Running is false after Close and Kill.
func (s *Server) Running() bool { return s.segment != nil }

// Dir is the log folder.
func (s *Server) Dir() string { return s.dir }

func (s *Server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *Server) now() uint32 {
	if s.opts.Clock == nil {
		return binlogtest.DefaultTime
	}
	return uint32(s.opts.Clock().Unix())
}

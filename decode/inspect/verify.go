package inspect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/units"
)

// VerifyOptions say what Verify does with what it finds.
type VerifyOptions struct {
	Options

	// Report is told of each finding, in log order, as soon as its segment has been read. The finding belongs to it.
	Report func(*Finding)
}

// VerifyReport is what Verify found in all. The field names of its JSON are stable.
type VerifyReport struct {
	Logs    int   `json:"logs"`
	Records int64 `json:"records"` // sound ones, filler included
	Events  int64 `json:"events"`
	Bytes   int64 `json:"bytes"` // of the records' segments, up to the ends of what is committed
	Damages int64 `json:"damages"`
	Notes   int64 `json:"notes"`

	// Broken says that a log is not the one history from its first record to its last that a reader takes it for, though nothing has to be
	// damaged: a full sync has replaced what was before it, or segments were purged meanwhile.
	Broken bool `json:"-"`
}

// WriteTable writes the report for a person, in one line.
func (r *VerifyReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s and %s in %s (%s of %s)\n", count(r.Damages, "damaged place"), count(r.Notes, "note"),
		count(r.Records, "record"), units.FormatSize(r.Bytes), count(int64(r.Logs), "log"))
	return err
}

// WriteJSON writes the report as one JSON object and a line end.
func (r *VerifyReport) WriteJSON(w io.Writer) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func count(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return units.FormatCount(n) + " " + what + "s"
}

// Verify checks every byte of the logs that can be checked: physical headers, lengths, the order of fragments,
// trailers, item headers, RESP, the chain of positions, and what lies between and after the segments. It continues
// after damage and reports each damaged place once. The error is of the disk or the context, never of the
// log; the report then holds what was read before it.
func Verify(ctx context.Context, logs []*binlog.Log, o VerifyOptions) (*VerifyReport, error) {
	v := &verifier{logs: logs, log: -1, report: o.Report, progress: o.Progress, result: &VerifyReport{Logs: len(logs)}}
	err := scan(ctx, logs, &o.Options, true, func() visitor[*checked] { return &checker{} }, v.join)
	if err == nil {
		err = v.enter(ctx, len(logs))
	}
	if v.seg != nil {
		v.emit(v.seg.finish(v.votes))
	}
	return v.result, err
}

// verifier puts the parts into log order.
type verifier struct {
	logs     []*binlog.Log
	report   func(*Finding)
	progress func(int64)
	result   *VerifyReport

	log   int // index of the log that is being read, -1 before the first
	chain decode.Chain
	seg   *segment // that is being read, nil between segments
	hole  *Finding // in front of the segment to come

	last   facts // of the last record
	idless int64 // records after last.logicID that have none
	end    decode.Position
	ends   bool // the last record ends at end, and nothing was lost after it

	votes votes // of the log so far
}

// join takes the next part in the order of the log.
func (v *verifier) join(ctx context.Context, p *checked) error {
	if err := v.enter(ctx, p.task.log); err != nil {
		return err
	}
	switch {
	case p.failure != nil:
		return p.failure
	case p.task.Missing != nil:
		return v.missing(p.task.Missing)
	}
	if v.seg == nil || v.seg.number != p.covered.Segment {
		if err := v.endSegment(); err != nil {
			return err
		}
		v.begin(p.covered.Segment, p.filler)
	}
	cut := p.cut
	err := v.chain.Add(&p.covered, func(l decode.Lost) error {
		cut = true
		v.seg.lost(&l)
		return nil
	})
	if err == nil {
		v.follow(p, cut)
		v.count(p)
	}
	return err
}

// begin takes up a segment, with the hole in front of it.
func (v *verifier) begin(number uint32, filler bool) {
	v.seg = &segment{log: v.logs[v.log].ID(), number: number}
	v.seg.gap(v.hole, filler)
	v.hole = nil
}

// follow holds the first record of a part against the last one before it, and adds the part to its segment.
func (v *verifier) follow(p *checked, cut bool) {
	if p.covered.First >= 0 {
		if p.records > 0 && !cut && v.ends {
			compare(&v.seg.odd, v.idless, &v.last, &p.first)
			v.position(p)
		}
		v.last, v.idless = p.last, p.idless
		v.ends = p.end >= 0
		v.end = decode.Position{Segment: p.covered.Segment, Offset: p.end}
	}
	v.seg.add(p, v.chain.End().Offset)
}

// position checks what the first record of a part names: the end of the record before, also where that is in the
// segment before, or its own place, as the first record of a log does and the first after a full sync.
func (v *verifier) position(p *checked) {
	at, want := p.first.at, v.end
	switch {
	case !p.first.hasAt:
	case at == want || at == decode.Position{Segment: p.covered.Segment, Offset: p.first.offset}:
		v.seg.votes.inChain++
	default:
		v.seg.votes.strays++
		v.seg.stray(misplaced{offset: p.first.atFields.wrong(at, want), at: at, want: want, count: 1})
	}
}

func (v *verifier) count(p *checked) {
	n := min(p.covered.End, p.covered.Limit) - p.covered.Begin
	v.result.Records += p.records
	v.result.Events += p.events
	v.result.Bytes += n
	if v.progress != nil {
		v.progress(n)
	}
}

// missing takes a hole of the log. That of a gap waits for what the log continues with.
func (v *verifier) missing(hole decode.Hole) error {
	err := v.closeChain()
	log := v.logs[v.log].ID()
	switch hole := hole.(type) {
	case *decode.CutShortError:
		err = errors.Join(err, v.enterSegment(hole.From.Segment))
		v.seg.cutShort(hole)
		err = errors.Join(err, v.endSegment())
	case *decode.MisplacedError:
		err = errors.Join(err, v.enterSegment(hole.From.Segment))
		v.seg.damage(newFinding(Damage, log, hole.Why()).at(hole.From.Segment, 0).hint("restore the right file, or skip with --on-corrupt=skip"))
		err = errors.Join(err, v.endSegment())
	case *decode.GapError:
		f := newFinding(Damage, log, gapText(hole)).hint("restore the files, or skip with --on-gap=skip")
		f.Segment = &hole.First
		err = errors.Join(err, v.wait(f))
	default:
		v.result.Broken = true
		err = errors.Join(err, v.wait(newFinding(Note, log, hole.Error())))
	}
	v.ends = false
	return err
}

// enterSegment takes up a segment of which no chunk has come, if none has.
func (v *verifier) enterSegment(number uint32) error {
	if v.seg != nil && v.seg.number == number {
		return nil
	}
	err := v.endSegment()
	v.begin(number, false)
	return err
}

// wait keeps a hole until it is known what the log continues with.
func (v *verifier) wait(hole Finding) error {
	err := v.endSegment()
	v.emitHole()
	v.hole = &hole
	return err
}

// emitHole reports a hole that no segment follows.
func (v *verifier) emitHole() {
	if v.hole != nil {
		v.emit([]Finding{*v.hole})
		v.hole = nil
	}
}

func gapText(g *decode.GapError) string {
	return fmt.Sprintf("%s missing: the records from %v to %v are not here", missingText(g.First, g.Last), g.From, g.To)
}

func missingText(first, last uint32) string {
	if first == last {
		return fmt.Sprintf("write2file%d is", first)
	}
	return fmt.Sprintf("write2file%d to write2file%d are", first, last)
}

func (v *verifier) closeChain() error {
	return v.chain.Close(func(l decode.Lost) error {
		v.ends = false
		v.seg.lost(&l)
		return nil
	})
}

// endSegment reports on a segment once all that belongs to it is there.
func (v *verifier) endSegment() error {
	err := v.closeChain()
	if v.seg != nil {
		v.votes.inChain += v.seg.votes.inChain
		v.votes.strays += v.seg.votes.strays
		v.emit(v.seg.finish(v.votes))
		v.seg = nil
	}
	return err
}

func (v *verifier) emit(findings []Finding) {
	for i := range findings {
		f := &findings[i]
		if f.Severity == Damage {
			v.result.Damages++
		} else {
			v.result.Notes++
		}
		if v.report != nil {
			v.report(f)
		}
	}
}

// enter ends the logs before the one at index log, and begins that one with what is odd about it as a whole.
func (v *verifier) enter(ctx context.Context, log int) error {
	for v.log < log {
		if err := v.endLog(ctx); err != nil {
			return err
		}
		v.log++
		v.votes, v.ends = votes{}, false
		if v.log < len(v.logs) {
			v.emit(logNotes(v.logs[v.log]))
		}
	}
	return nil
}

func (v *verifier) endLog(ctx context.Context) error {
	if v.log < 0 {
		return nil
	}
	if err := v.endSegment(); err != nil {
		return err
	}
	v.emitHole()
	return v.unread(ctx)
}

// unread looks at the manifest's segment when nothing of it is committed and so nothing was read.
func (v *verifier) unread(ctx context.Context) error {
	l := v.logs[v.log]
	m, err := l.Manifest()
	if err != nil || m.Position.Offset > 0 {
		return nil //nolint:nilerr // without a manifest all there is was read
	}
	for _, s := range l.Segments() {
		if s.Number != m.Position.Segment || s.Compression != folder.Plain || s.Size == 0 {
			continue
		}
		stale, err := staleIn(ctx, l, s)
		if err != nil {
			return err
		}
		v.emit([]Finding{tailNote(l.ID(), s.Number, tail{size: s.Size, stale: stale})})
	}
	return nil
}

func staleIn(ctx context.Context, l *binlog.Log, s folder.Segment) (int64, error) {
	f, err := l.Open(ctx, s)
	if err != nil {
		return -1, err
	}
	defer f.Close()
	return firstStale(f, 0, s.Size)
}

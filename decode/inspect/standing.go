package inspect

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/units"
)

// Saved is a position in a log that was kept, to go on from.
type Saved struct {
	Position decode.Position
	Epoch    uint32
	Fence    decode.Fence
}

// History says how a saved position fits the log as it is.
type History string

// The histories.
const (
	HistoryFits      History = "fits"      // what is before the position is what was read
	HistoryUnknown   History = "unknown"   // there is no fence, or the log is not there
	HistoryNew       History = "new"       // nothing was saved of this log
	HistoryGone      History = "gone"      // purged, or in a hole of the log
	HistoryBeyond    History = "beyond"    // the log ends before the position
	HistoryRewritten History = "rewritten" // another history is there
)

// Standing is where a saved position is in its log.
type Standing struct {
	DB       string  `json:"db"`
	Position string  `json:"position,omitempty"`
	Epoch    uint32  `json:"epoch"`
	End      string  `json:"end,omitempty"`      // of what is committed; absent for an archive, which would have to be unpacked
	Behind   *int64  `json:"behind,omitempty"`   // bytes of segments from the position to the end; absent if that is not known
	Segments *int    `json:"segments,omitempty"` // that lie after that of the position
	History  History `json:"history"`
	Detail   string  `json:"detail,omitempty"` // what does not fit
}

// Log is a log that a position may be of: of files, or of a server.
type Log interface {
	ID() *decode.Log
	Committed() decode.Position // of an archive the largest offset there is
	CheckFence(ctx context.Context, p decode.Position, want decode.Fence) error
}

// StandingOf compares a saved position with its log. The error is of the disk or the context.
func StandingOf(ctx context.Context, l Log, s Saved) (Standing, error) {
	p := Standing{DB: l.ID().String(), Position: s.Position.String(), Epoch: s.Epoch, End: endText(l), History: HistoryFits}
	err := l.CheckFence(ctx, s.Position, s.Fence)
	switch {
	case err != nil:
		if p.History = historyOf(err); p.History == HistoryUnknown {
			return p, err
		}
		p.Detail = err.Error()
		return p, nil
	case s.Fence == (decode.Fence{}) && s.Position.Offset > 0:
		p.History = HistoryUnknown
	}
	p.measure(l, s.Position)
	return p, nil
}

// NewStanding is of a log of which nothing was saved.
func NewStanding(l Log) Standing {
	p := Standing{DB: l.ID().String(), End: endText(l), History: HistoryNew}
	if files, ok := l.(*binlog.Log); ok {
		p.measure(l, files.Start())
	}
	return p
}

// LoneStanding is of a saved position whose log is not there.
func LoneStanding(name string, s Saved) Standing {
	return Standing{DB: name, Position: s.Position.String(), Epoch: s.Epoch, History: HistoryUnknown}
}

func endText(l Log) string {
	end := l.Committed()
	if end.Offset == math.MaxInt64 {
		return ""
	}
	return end.String()
}

// historyOf gives HistoryUnknown for an error of the disk or the context.
func historyOf(err error) History {
	var (
		rewritten decode.Rewritten
		hole      decode.Hole
		beyond    *decode.BeyondError
		changed   *folder.ChangedError
	)
	switch {
	case errors.As(err, &rewritten), errors.As(err, &changed):
		return HistoryRewritten
	case errors.As(err, &hole):
		return HistoryGone
	case errors.As(err, &beyond):
		return HistoryBeyond
	}
	return HistoryUnknown
}

// measure finds the distance to the end. Of a server only the number of segments is known.
func (p *Standing) measure(l Log, from decode.Position) {
	if files, ok := l.(*binlog.Log); ok {
		p.measureFiles(files, from)
		return
	}
	segments := int(l.Committed().Segment) - int(from.Segment)
	p.Segments = &segments
}

// measureFiles does it for files. How long a compressed segment is nobody knows before it is unpacked.
func (p *Standing) measureFiles(l *binlog.Log, from decode.Position) {
	end := l.Committed()
	segments, known := 0, true
	for _, s := range l.Segments() {
		if s.Number > from.Segment {
			segments++
		}
		known = known && (s.Number < from.Segment || s.Compression == folder.Plain)
	}
	p.Segments = &segments
	if known {
		behind := l.SizeBetween(from, end)
		p.Behind = &behind
	}
}

// WriteStandings writes a line for each, and below them what does not fit.
func WriteStandings(w io.Writer, list []Standing) error {
	t := &table{}
	rows := []string{"db\tposition\tepoch\tend\tbehind\tsegments\thistory"}
	for i := range list {
		rows = append(rows, list[i].row())
	}
	t.columns(rows)
	for i := range list {
		if list[i].Detail != "" {
			t.printf("\n%s\n", quotePath(list[i].Detail))
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func (p *Standing) row() string {
	behind, segments := "", ""
	if p.Behind != nil {
		behind = units.FormatSize(*p.Behind)
	}
	if p.Segments != nil {
		segments = units.FormatCount(int64(*p.Segments))
	}
	return strings.Join([]string{quotePath(p.DB), orDash(p.Position), units.FormatCount(int64(p.Epoch)), orDash(p.End), orDash(behind), orDash(segments), string(p.History)}, "\t")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

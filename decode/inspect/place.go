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
	Fence    decode.Fence
	Epoch    uint32
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

// Place is where a saved position is in its log.
type Place struct {
	DB       string  `json:"db"`
	Position string  `json:"position,omitempty"`
	Epoch    uint32  `json:"epoch"`
	End      string  `json:"end,omitempty"`      // of what is committed; absent for an archive, which would have to be unpacked
	Behind   *int64  `json:"behind,omitempty"`   // bytes of segments from the position to the end; absent if that is not known
	Segments *int    `json:"segments,omitempty"` // that lie after that of the position
	History  History `json:"history"`
	Detail   string  `json:"detail,omitempty"` // what does not fit
}

// PlaceOf compares a saved position with its log. The error is of the disk or the context.
func PlaceOf(ctx context.Context, l *binlog.Log, s Saved) (Place, error) {
	p := Place{DB: l.ID().String(), Position: s.Position.String(), Epoch: s.Epoch, End: endText(l), History: HistoryFits}
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

// NewPlace is of a log of which nothing was saved.
func NewPlace(l *binlog.Log) Place {
	p := Place{DB: l.ID().String(), End: endText(l), History: HistoryNew}
	p.measure(l, l.Start())
	return p
}

// LonePlace is of a saved position whose log is not there.
func LonePlace(name string, s Saved) Place {
	return Place{DB: name, Position: s.Position.String(), Epoch: s.Epoch, History: HistoryUnknown}
}

func endText(l *binlog.Log) string {
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

// measure finds the distance to the end. How long a compressed segment is nobody knows before it is unpacked.
func (p *Place) measure(l *binlog.Log, from decode.Position) {
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

// WritePlaces writes a line for each place, and below them what does not fit.
func WritePlaces(w io.Writer, places []Place) error {
	t := &table{}
	rows := []string{"db\tposition\tepoch\tend\tbehind\tsegments\thistory"}
	for i := range places {
		rows = append(rows, places[i].row())
	}
	t.columns(rows)
	for i := range places {
		if places[i].Detail != "" {
			t.printf("\n%s\n", quotePath(places[i].Detail))
		}
	}
	_, err := io.WriteString(w, t.String())
	return err
}

func (p *Place) row() string {
	behind, segments := "", ""
	if p.Behind != nil {
		behind = units.FormatSize(*p.Behind)
	}
	if p.Segments != nil {
		segments = group(int64(*p.Segments))
	}
	return strings.Join([]string{quotePath(p.DB), orDash(p.Position), group(int64(p.Epoch)), orDash(p.End), orDash(behind), orDash(segments), string(p.History)}, "\t")
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

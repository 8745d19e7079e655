package inspect

import (
	"fmt"

	"pikabin/decode"
	"pikabin/decode/units"
)

// Severity sorts findings.
type Severity string

// Damage is what cannot be as a server wrote it, or is missing. A Note is odd and may be worth knowing.
const (
	Damage Severity = "damage"
	Note   Severity = "note"
)

// Finding is one thing that Verify found. The field names of its JSON are stable.
type Finding struct {
	Severity Severity `json:"severity"`
	DB       string   `json:"db"`
	Slot     *int     `json:"slot,omitempty"`    // only in sharding mode
	Segment  *uint32  `json:"segment,omitempty"` // absent for what is about a whole log
	Offset   *int64   `json:"offset,omitempty"`  // first byte that it is about, in the segment
	From     *int64   `json:"from,omitempty"`    // where a range that was lost begins,
	To       *int64   `json:"to,omitempty"`      // and where the next record does
	What     string   `json:"what"`
	Hint     string   `json:"hint,omitempty"`
}

// String is the line for a person, such as "db0: write2file12 at 4128776 (0x3f0008): damage: fragment runs
// past its block".
func (f *Finding) String() string {
	s := nameOf(f.DB, f.Slot)
	if f.Segment != nil {
		s += fmt.Sprintf(": write2file%d", *f.Segment)
	}
	if f.Offset != nil {
		s += fmt.Sprintf(" at %d (%#x)", *f.Offset, *f.Offset)
	}
	s += ": " + string(f.Severity) + ": " + units.Visible(f.What)
	if f.From != nil && f.To != nil {
		s += fmt.Sprintf("; lost %d to %d (%s)", *f.From, *f.To, units.FormatSize(*f.To-*f.From))
	}
	if f.Hint != "" {
		s += " (" + units.Visible(f.Hint) + ")"
	}
	return s
}

// order is where a finding stands among those of its segment.
func (f *Finding) order() int64 {
	if f.Offset == nil {
		return -1
	}
	return *f.Offset
}

func newFinding(severity Severity, log *decode.Log, what string) Finding {
	f := Finding{Severity: severity, DB: log.DB, What: what}
	if log.Slot >= 0 {
		f.Slot = new(log.Slot)
	}
	return f
}

// at gives a finding its place.
func (f Finding) at(segment uint32, offset int64) Finding {
	f.Segment, f.Offset = &segment, &offset
	return f
}

func (f Finding) hint(text string) Finding {
	f.Hint = text
	return f
}

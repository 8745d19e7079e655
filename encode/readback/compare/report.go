package compare

import (
	"fmt"
	"strings"
)

// Kind is what is wrong with an event of the log, or with one of the output.
type Kind string

// The kinds.
const (
	Missing    Kind = "missing"      // the output does not have it where it should be
	Disordered Kind = "out of order" // it comes after others that it is before in the log
	Repeated   Kind = "repeated"     // it comes again
	Different  Kind = "different"    // a field is another one
	Foreign    Kind = "foreign"      // the log has no such event
	Unreadable Kind = "unreadable"   // something is in its place that is no event
)

var kinds = []Kind{Missing, Disordered, Repeated, Different, Foreign, Unreadable}

// Difference is one between the log and the output.
type Difference struct {
	Kind  Kind   `json:"kind"`
	Log   string `json:"log,omitempty"`   // as decode.Log has it
	At    string `json:"at,omitempty"`    // where its record begins there, see readback.Key
	Part  string `json:"part,omitempty"`  // the file
	Event int64  `json:"event,omitempty"` // its number there, from 1: the line of JSON lines
	Text  string `json:"text"`
}

// String is a line for people.
func (d *Difference) String() string {
	place := strings.TrimSpace(d.Log + " " + d.At)
	if d.Event > 0 {
		place = strings.TrimPrefix(place+", ", ", ") + fmt.Sprintf("event %d of %s", d.Event, d.Part)
	} else if place == "" {
		place = d.Part
	}
	return fmt.Sprintf("%s: %s: %s", place, d.Kind, d.Text)
}

// mostKept is how many differences are told one by one.
const mostKept = 10

// Report is what a comparison has found.
type Report struct {
	Equal   int64          `json:"equal"`   // events that are in both, each once and in its place
	Allowed int64          `json:"allowed"` // that come again, where that may be
	Outside int64          `json:"outside"` // events of the output that are not of the range
	Counts  map[Kind]int64 `json:"counts"`
	First   []*Difference  `json:"first"` // of all differences, in the order in which they were found
}

// Differences are how many there are.
func (r *Report) Differences() (n int64) {
	for _, count := range r.Counts {
		n += count
	}
	return n
}

// String sums up.
func (r *Report) String() string {
	var texts []string
	for _, kind := range kinds {
		if n := r.Counts[kind]; n > 0 {
			texts = append(texts, fmt.Sprintf("%d %s", n, kind))
		}
	}
	text := fmt.Sprintf("%d events are equal", r.Equal)
	if r.Allowed > 0 {
		text += fmt.Sprintf(", %d come again", r.Allowed)
	}
	if r.Outside > 0 {
		text += fmt.Sprintf(", %d are outside of the range", r.Outside)
	}
	if len(texts) == 0 {
		return text + ": the output is what the log says"
	}
	return text + "; the output is not what the log says: " + strings.Join(texts, ", ")
}

func (r *Report) add(d *Difference) {
	if r.Counts == nil {
		r.Counts = map[Kind]int64{}
	}
	r.Counts[d.Kind]++
	if len(r.First) < mostKept {
		r.First = append(r.First, d)
	}
}

// late makes a missing event one that is out of order.
func (r *Report) late(d *Difference) {
	r.Counts[Missing]--
	for i, first := range r.First {
		if first.Kind == Missing && first.Log == d.Log && first.At == d.At {
			r.Counts[Disordered]++
			r.First[i] = d
			return
		}
	}
	r.add(d)
}

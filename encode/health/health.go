// Package health answers how a run that follows a log is doing: as metrics for Prometheus, as a page that fails when
// something is wrong and says what, and as a line for a terminal.
//
// What it says is measured at the acknowledged position, up to which everything has been delivered, and not at what was
// read. It is looked at once a second and whenever somebody asks.
package health

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"pikabin/decode"
	"pikabin/decode/units"
	"pikabin/encode/stats"
)

// Options say what is watched. Stats is needed.
type Options struct {
	Stats  *stats.Stats
	Source func() []LogStatus // the logs as they are on the disk now, in the order of the reports; nil: none

	// Stalled is how long a log that is ahead of its acknowledged position may stay so without that position moving, and how
	// long the state may stay unsaved. 0: 60 s.
	Stalled time.Duration

	Version string           // of the program, for pikabin_build_info
	Now     func() time.Time // nil: time.Now
}

// LogStatus is one log as it is on the disk.
type LogStatus struct {
	Log      *decode.Log     // the one that the run's batches carry
	From     decode.Position // where reading began: it counts as acknowledged as long as nothing else is
	End      decode.Position // up to where the server has committed
	Segments int             // how many there are
	Grew     time.Time       // when End was last seen to move

	// Behind is how many bytes of the log come after a position, 0 where nothing does, such as from the end of a finished
	// segment to the beginning of an empty one. A position that is not on the disk any more counts from the oldest segment.
	Behind func(from decode.Position) int64

	// Older is how many segments before that of a position the server has not purged; below 0 the position's own has gone.
	Older func(pos decode.Position) int64

	// Trouble is what keeps the log from being read now, since a time; nil if nothing does.
	Trouble      error
	TroubleSince time.Time

	Remote *Remote // the connection that it comes over; nil: it is read from files
}

// Remote is the connection that a log comes over. It may be made anew now and then: a log that cannot be read is unhealthy only once
// that has lasted for Options.Stalled.
type Remote struct {
	Connected  bool  `json:"connected"`
	Reconnects int64 `json:"reconnects"`       // connections after the first
	Held       int64 `json:"held_bytes"`       // that the server cannot purge because of this run
	LetGo      bool  `json:"let_go,omitempty"` // that was above its limit: what is not delivered may be purged
}

// defaultStalled is how long nothing may move, unless told otherwise.
const defaultStalled = time.Minute

// Monitor watches one run. It is safe for concurrent use.
type Monitor struct {
	o Options

	mu      sync.Mutex
	watches map[*decode.Log]*watch
	last    sample // of the line before
}

// New makes a monitor. The run may begin before or after.
func New(o Options) *Monitor {
	o.Stalled = cmp.Or(o.Stalled, defaultStalled)
	if o.Source == nil {
		o.Source = func() []LogStatus { return nil }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &Monitor{o: o, watches: map[*decode.Log]*watch{}}
}

// Report is how a run is doing. Healthy is false exactly when there are Reasons. One that stands by for another is healthy: it does
// what it is there for.
type Report struct {
	Healthy bool        `json:"healthy"`
	Standby bool        `json:"standby,omitempty"`
	Reasons []string    `json:"reasons,omitempty"`
	Logs    []LogReport `json:"logs"`

	stats stats.Snapshot
	at    time.Time
}

// LogReport is how far one log has come.
type LogReport struct {
	DB                  string          `json:"db"` // with the slot, where there are slots: db0/7
	Acknowledged        decode.Position `json:"acknowledged"`
	End                 decode.Position `json:"end"`
	LagBytes            int64           `json:"lag_bytes"`
	LagSegments         int64           `json:"lag_segments"`
	LagSeconds          float64         `json:"lag_seconds"`
	StillSeconds        float64         `json:"still_seconds"` // without a move, while there was something to deliver
	SegmentsBeforePurge int64           `json:"segments_before_purge"`
	Segments            int             `json:"segments"`
	Stalled             bool            `json:"stalled"`
	Trouble             string          `json:"trouble,omitempty"` // what keeps the log from being read
	Remote              *Remote         `json:"remote,omitempty"`

	grew    time.Time
	trouble time.Time
}

// Report looks at everything now.
func (m *Monitor) Report() *Report {
	m.mu.Lock()
	defer m.mu.Unlock()
	// The log before the acknowledgements: the other way round, what is delivered in between would seem to be missing.
	statuses := m.o.Source()
	delivered := m.o.Stats.Logs()
	r := &Report{stats: m.o.Stats.Snapshot(), at: m.o.Now(), Logs: []LogReport{}}
	for i := range statuses {
		s := &statuses[i]
		place, ok := delivered[s.Log]
		if !ok {
			place.Position = s.From
		}
		w := m.watches[s.Log]
		if w == nil {
			w = &watch{}
			m.watches[s.Log] = w
		}
		r.Logs = append(r.Logs, w.look(r.at, s, place, m.o.Stalled))
	}
	r.Standby = r.stats.Standby
	r.Reasons = m.reasons(r)
	r.Healthy = len(r.Reasons) == 0
	return r
}

// word is how a run is that is healthy.
func (r *Report) word() string {
	if r.Standby {
		return "standing by"
	}
	return "ok"
}

// reasons are why the run is not healthy, the likely cause before what it causes.
func (m *Monitor) reasons(r *Report) []string {
	var reasons []string
	if t := r.stats.Sink; t.Err != nil {
		reasons = append(reasons, fmt.Sprintf("the output has not taken anything for %s: %v", span(r.at.Sub(t.Since)), t.Err))
	}
	if s := r.stats.Spooled; s.Parts > 0 && r.at.Sub(s.Since) >= m.o.Stalled {
		reasons = append(reasons, fmt.Sprintf("%d parts, %s, wait in the spool, the oldest for %s%s", s.Parts, units.FormatSize(s.Bytes), span(r.at.Sub(s.Since)), because(s.Err)))
	}
	if t := r.stats.Store; t.Err != nil && (r.Standby || r.at.Sub(t.Since) >= m.o.Stalled) {
		reasons = append(reasons, fmt.Sprintf("the store of the state has not answered for %s: %v", span(r.at.Sub(t.Since)), t.Err))
	}
	if r.stats.KeepsState {
		if age := r.at.Sub(r.stats.Saved); age >= m.o.Stalled {
			reasons = append(reasons, fmt.Sprintf("the state has not been saved for %s%s", span(age), because(r.stats.State.Err)))
		}
	}
	for i := range r.Logs {
		if l := &r.Logs[i]; l.Trouble != "" && (l.Remote == nil || r.at.Sub(l.trouble) >= m.o.Stalled) {
			reasons = append(reasons, fmt.Sprintf("%s has not been readable for %s: %s", l.DB, span(r.at.Sub(l.trouble)), l.Trouble))
		}
	}
	for i := range r.Logs {
		if l := &r.Logs[i]; l.Remote != nil && l.Remote.LetGo {
			reasons = append(reasons, fmt.Sprintf("%s: the server kept more for this run than hold-limit allows, and may purge what is not delivered: %s", l.DB, units.FormatSize(l.Remote.Held)))
		}
	}
	for i := range r.Logs {
		if l := &r.Logs[i]; l.Stalled {
			reasons = append(reasons, fmt.Sprintf("%s: stuck at %v for %s; the log ends at %v, %s ahead%s", l.DB,
				l.Acknowledged, span(seconds(l.StillSeconds)), l.End, units.FormatSize(l.LagBytes), lastError(r)))
		}
	}
	return reasons
}

// lastError is what went wrong last, which may be why nothing moves.
func lastError(r *Report) string {
	t := r.stats.LastError
	if t.Err == nil {
		return ""
	}
	return fmt.Sprintf("; the last error was %s ago: %v", span(r.at.Sub(t.Since)), t.Err)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return ": " + err.Error()
}

// span is a duration in whole seconds, for people.
func span(d time.Duration) string { return d.Truncate(time.Second).String() }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

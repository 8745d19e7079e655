package sinktest

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"pikabin/encode/sink"
)

// Monitor is one that keeps what it is told. The zero value is ready.
type Monitor struct {
	mu        sync.Mutex
	lines     []string
	counts    map[string]int64
	oversized atomic.Int64

	OnWait func(why error) // if set, is told of each wait
}

// Warn implements sink.Monitor.
func (m *Monitor) Warn(line string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lines = append(m.lines, line)
}

// Waits implements sink.Monitor.
func (m *Monitor) Waits(why error) {
	if m.OnWait != nil {
		m.OnWait(why)
	}
}

// StandsBy implements sink.Monitor.
func (*Monitor) StandsBy(bool) {}

// Spooled implements sink.Monitor.
func (*Monitor) Spooled(sink.Spooled) {}

// Oversized implements sink.Monitor.
func (m *Monitor) Oversized() { m.oversized.Add(1) }

// Count implements sink.Monitor.
func (m *Monitor) Count(c sink.Counter, label string, n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.counts == nil {
		m.counts = map[string]int64{}
	}
	m.counts[fmt.Sprint(c, " ", label)] += n
}

// Counts is what a counter has come to, for a label.
func (m *Monitor) Counts(c sink.Counter, label string) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts[fmt.Sprint(c, " ", label)]
}

// Counted is how many events were too large.
func (m *Monitor) Counted() int64 { return m.oversized.Load() }

// String is what the user was told, line by line.
func (m *Monitor) String() string { return strings.Join(m.Lines(), "\n") }

// Lines are the lines that the user was told.
func (m *Monitor) Lines() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string{}, m.lines...)
}

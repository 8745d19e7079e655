package live

import (
	"strings"
	"sync"

	"pikabin/encode/console"
)

// mostHeld is how many messages are kept while the screen is drawn on.
const mostHeld = 100

// Messages are lines for the user that wait until the screen is theirs again.
type Messages struct {
	mu    sync.Mutex
	lines []string
}

// Write implements io.Writer, for a console.
func (m *Messages) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for text := range strings.Lines(string(p)) {
		m.lines = append(m.lines, strings.TrimPrefix(strings.TrimSuffix(text, "\n"), "pikabin: "))
	}
	m.lines = m.lines[max(len(m.lines)-mostHeld, 0):]
	return len(p), nil
}

// Last is the one that came last.
func (m *Messages) Last() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.lines) == 0 {
		return ""
	}
	return m.lines[len(m.lines)-1]
}

// Tell hands them on.
func (m *Messages) Tell(to *console.Console) {
	for _, text := range m.lines {
		to.Warn(text)
	}
}

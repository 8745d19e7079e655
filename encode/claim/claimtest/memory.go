// Package claimtest is for tests of what lets several hosts share a state: a store in memory, and what every store has to do.
package claimtest

import (
	"bytes"
	"context"
	"strconv"
	"sync"

	"pikabin/encode/claim"
)

// Memory is a store in memory. The zero value is an empty one.
type Memory struct {
	mu      sync.Mutex
	value   []byte
	version int

	// Replaced is told of each version that takes the place of another.
	Replaced func(before, value []byte)
}

var _ claim.Store = (*Memory)(nil)

// Load implements claim.Store.
func (m *Memory) Load(context.Context) ([]byte, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.value), m.name(), nil
}

// Swap implements claim.Store.
func (m *Memory) Swap(_ context.Context, version string, value []byte) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if version != m.name() {
		return "", claim.ErrConflict
	}
	if m.Replaced != nil {
		m.Replaced(m.value, value)
	}
	m.value = bytes.Clone(value)
	m.version++
	return m.name(), nil
}

func (m *Memory) name() string {
	if m.value == nil {
		return ""
	}
	return strconv.Itoa(m.version)
}

// Remove removes the object, as somebody might by hand.
func (m *Memory) Remove() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.value = nil
}

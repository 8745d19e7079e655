package checkpoint

// InFlight is the number of batches that have been tracked and not yet counted into the position.
func (t *Tracker) InFlight() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

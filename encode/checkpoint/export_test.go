package checkpoint

// Capacity is how many batches there is room for.
func (t *Tracker) Capacity() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return cap(t.pending)
}

// InFlight is the number of batches that have been tracked and not yet counted into the position.
func (t *Tracker) InFlight() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.pending)
}

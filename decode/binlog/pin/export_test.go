package pin

// Scan links what is new, as it is done again and again.
func (p *Pins) Scan() { p.scan() }

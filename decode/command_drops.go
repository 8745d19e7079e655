package decode

// drops says which versions of Pika drop the deadline of a key that a command changes, though the command says nothing of it.
type drops uint8

const (
	dropsNever    drops = iota
	dropsAlways         // bitop
	dropsBefore30       // with an effect; rpoplpush that of its source
	dropsSince30        // what is computed from other keys replaces the destination
	drops30To34
	dropsBefore35 // with an effect: setbit that changes the bit
)

// era is as much of a version as these rules need.
type era uint8

const (
	eraBefore30 era = iota
	era30To34
	eraSince35 // or not known: the deadline is kept
)

// eraOf is the era of the server that logged an entry. Only 3.0 and later log items.
func eraOf(e *Entry, generation Generation, before35 bool) era {
	switch {
	case e.Has&HasLogicID == 0:
		return eraBefore30
	case generation == G3 || before35:
		return era30To34
	}
	return eraSince35
}

// in reports whether a server of an era drops the deadline, and whether it does so only where the command has an effect.
func (d drops) in(e era) (dropped, conditional bool) {
	switch d {
	case dropsNever:
	case dropsAlways:
		return true, false
	case dropsBefore30:
		return e == eraBefore30, true
	case dropsSince30:
		return e != eraBefore30, false
	case drops30To34:
		return e == era30To34, false
	case dropsBefore35:
		return e != eraSince35, true
	}
	return false, false
}

// dropDeadline puts into a change which Build has made that the deadline is gone.
func (cmd *Command) dropDeadline(c *Change, e era) {
	dropped, conditional := cmd.drops.in(e)
	if !dropped || c.Op == OpOther {
		return
	}
	c.Has |= HasExpireAt
	if conditional {
		c.Effect = EffectRelative
	}
}

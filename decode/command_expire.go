package decode

import "math"

// millisFrom is where the times of pksetexat change their unit: 4.0.1 logs PSETEX with milliseconds,
// all else is in seconds. As seconds it would be the year 5138.
const millisFrom = 100_000_000_000

// buildPksetexat fills the form that all versions since 3.0.8 give to a string with a deadline. Its time
// is 0 for no expiry.
func buildPksetexat(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Value = argv[1], argv[3]
	t, canonical, ok := parseInteger(argv[2])
	switch {
	case t == 0:
		c.Has |= HasExpireAt
	case t >= millisFrom:
		canonical = setDeadline(c, t, PrecisionMillis) && canonical
	default:
		canonical = setSeconds(c, t) && canonical
	}
	keepText(c, argv[2], canonical)
	return ok
}

// buildExpireat and buildPexpireat pass deadlines of the past through. A huge EXPIRE can have wrapped
// around to one far below zero.
func buildExpireat(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	t, canonical, ok := parseInteger(argv[2])
	keepText(c, argv[2], setSeconds(c, t) && canonical)
	return ok
}

func buildPexpireat(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	t, canonical, ok := parseInteger(argv[2])
	keepText(c, argv[2], setDeadline(c, t, PrecisionMillis) && canonical)
	return ok
}

// buildExpire and buildPexpire fill the relative forms that Pika logged up to 2.2.
func buildExpire(c *Change, argv [][]byte, _ int) bool  { return buildLifetime(c, argv, 1000) }
func buildPexpire(c *Change, argv [][]byte, _ int) bool { return buildLifetime(c, argv, 1) }

func buildLifetime(c *Change, argv [][]byte, unit int64) bool {
	c.Key = argv[1]
	n, canonical, ok := parseInteger(argv[2])
	keepText(c, argv[2], setLifetime(c, n, unit) && canonical)
	return ok
}

// buildPersist has the only deadline of 0 that comes with no value.
func buildPersist(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	c.Has |= HasExpireAt
	return true
}

// buildSetex and buildPsetex fill the relative forms that Pika logged up to 3.0.7.
func buildSetex(c *Change, argv [][]byte, _ int) bool  { return buildMortal(c, argv, 1000) }
func buildPsetex(c *Change, argv [][]byte, _ int) bool { return buildMortal(c, argv, 1) }

func buildMortal(c *Change, argv [][]byte, unit int64) bool {
	c.Key, c.Value = argv[1], argv[3]
	n, canonical, ok := parseInteger(argv[2])
	keepText(c, argv[2], setValueLifetime(c, n, unit) && canonical)
	return ok
}

// setOption is for the time of EX and PX, which is in Args in any case.
func setOption(c *Change, arg []byte, unit int64) bool {
	n, _, ok := parseInteger(arg)
	setValueLifetime(c, n, unit)
	return ok
}

// keepText puts the argument of a time into Args unless the deadline gives it back.
func keepText(c *Change, arg []byte, given bool) {
	if !given {
		c.Args = append(c.Args, arg)
	}
}

// setValueLifetime is setLifetime for a value that is written with a lifetime. Where the servers let one
// that is not positive pass (2.x, and SET with NX, XX or VX), it means no expiry. It reports whether n
// follows from that.
func setValueLifetime(c *Change, n, unit int64) bool {
	if keptOf(c, n, unit) > 0 {
		return setLifetime(c, n, unit)
	}
	c.Has |= HasExpireAt
	c.ExpireAt, c.Precision = 0, PrecisionNone
	return n == 0
}

// keptOf is what a server keeps of a lifetime of n units of so many milliseconds: before 3.5 whole seconds.
func keptOf(c *Change, n, unit int64) int64 {
	if c.Before35 && unit == 1 {
		return n - n%1000
	}
	return n
}

// setLifetime counts n units of so many milliseconds from the time of the record. It reports whether
// n follows from the deadline. In a log without times there is none: the event says less than what
// happened, and so it is not exact.
func setLifetime(c *Change, n, unit int64) bool {
	if c.Has&HasTime == 0 {
		c.Has &^= HasExpireAt
		c.ExpireAt, c.Precision, c.Effect = 0, PrecisionNone, EffectRelative
		return false
	}
	kept := keptOf(c, n, unit)
	life, lifeFits := mulClamped(kept, unit)
	now, nowFits := mulClamped(c.Time, 1000)
	at, sumFits := addClamped(now, life)
	return setDeadline(c, at, PrecisionDerived) && kept == n && lifeFits && nowFits && sumFits
}

func setSeconds(c *Change, t int64) bool {
	ms, fits := mulClamped(t, 1000)
	return setDeadline(c, ms, PrecisionSeconds) && fits
}

// setDeadline reports whether the deadline is as it was given. The epoch itself cannot, since
// 0 says that there is no deadline: it becomes the millisecond after, which is as long ago.
func setDeadline(c *Change, ms int64, p Precision) bool {
	c.Has |= HasExpireAt
	c.ExpireAt, c.Precision = ms, p
	if ms == 0 {
		c.ExpireAt = 1
	}
	return ms != 0
}

// mulClamped multiplies by a positive factor and keeps within an int64; fits is false when it had to.
func mulClamped(n, factor int64) (product int64, fits bool) {
	switch {
	case n > math.MaxInt64/factor:
		return math.MaxInt64, false
	case n < math.MinInt64/factor:
		return math.MinInt64, false
	}
	return n * factor, true
}

// addClamped adds and keeps within an int64; fits is false when it had to.
func addClamped(a, b int64) (total int64, fits bool) {
	switch {
	case b > 0 && a > math.MaxInt64-b:
		return math.MaxInt64, false
	case b < 0 && a < math.MinInt64-b:
		return math.MinInt64, false
	}
	return a + b, true
}

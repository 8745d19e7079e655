package filter

// glob is a pattern as KEYS takes it: * for any bytes, ? for one, [abc], [a-c] and [^x] for one of or outside of a
// class, and a backslash before a byte that stands for itself. All of it is about bytes, whatever they spell, and no
// byte is special outside of the pattern.
type glob []globStep

// globStep matches one byte, or with star any number of any bytes.
type globStep struct {
	star bool
	set  *[256 / 64]uint64 // nil: only the byte one
	one  byte
}

func (s *globStep) matches(c byte) bool {
	if s.set == nil {
		return s.one == c
	}
	return s.set[c/64]&(1<<(c%64)) != 0
}

// parseGlob reads a pattern. As in Redis none is refused: a class that is not closed ends with the pattern, and a
// backslash at the end is a backslash.
func parseGlob(pattern string) glob {
	var g glob
	for i := 0; i < len(pattern); {
		var s globStep
		switch pattern[i] {
		case '*':
			s.star = true
			i++
			if len(g) > 0 && g[len(g)-1].star {
				continue
			}
		case '?':
			s.set = new([4]uint64)
			invert(s.set)
			i++
		case '[':
			s.set, i = parseClass(pattern, i+1)
		default:
			s.one, i = literal(pattern, i)
		}
		g = append(g, s)
	}
	return g
}

// literal reads one byte that stands for itself, with or without a backslash.
func literal(pattern string, i int) (c byte, next int) {
	if pattern[i] == '\\' && i+1 < len(pattern) {
		i++
	}
	return pattern[i], i + 1
}

// parseClass reads a class from after its bracket.
func parseClass(pattern string, i int) (set *[4]uint64, next int) {
	set = new([4]uint64)
	not := i < len(pattern) && pattern[i] == '^'
	if not {
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		var low byte
		escaped := pattern[i] == '\\'
		low, i = literal(pattern, i)
		high := low
		if !escaped && i+1 < len(pattern) && pattern[i] == '-' {
			high, i = pattern[i+1], i+2
		}
		for c := int(min(low, high)); c <= int(max(low, high)); c++ {
			set[c/64] |= 1 << (c % 64)
		}
	}
	if not {
		invert(set)
	}
	return set, min(i+1, len(pattern))
}

func invert(set *[4]uint64) {
	for i := range set {
		set[i] = ^set[i]
	}
}

// match reports whether the pattern matches the whole key. Only the last star ever has to be tried again, so that the
// time is at most that of the pattern's length times the key's.
func (g glob) match(key []byte) bool {
	step, at := 0, 0
	star, starAt := -1, 0
	for at < len(key) {
		switch {
		case step < len(g) && g[step].star:
			star, starAt = step, at
			step++
		case step < len(g) && g[step].matches(key[at]):
			step++
			at++
		case star >= 0:
			starAt++
			step, at = star+1, starAt
		default:
			return false
		}
	}
	return step == len(g) || step == len(g)-1 && g[step].star
}

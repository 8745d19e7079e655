package decode

// The Delta of incr and decr, which have no argument to show.
var (
	plusOne  = []byte("1")
	minusOne = []byte("-1")
)

// buildSet fills set in all its forms. Options stay in Args, a time that they hold is also a deadline.
func buildSet(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Value = argv[1], argv[2]
	c.Has |= HasExpireAt
	return len(argv) == 3 || buildSetOptions(c, argv[3:])
}

// buildSetOptions reads NX, XX, VX old, EX n and PX n, as SetCmd::DoInitial does. NX, XX and VX
// are logged also when nothing was set; ExpireAt then says what holds if it was.
func buildSetOptions(c *Change, options [][]byte) bool {
	c.Args = append(c.Args, options...)
	for i := 0; i < len(options); i++ {
		unit := int64(0)
		switch word := options[i]; {
		case isWord(word, "nx"), isWord(word, "xx"):
			c.Effect = EffectRelative
			continue
		case isWord(word, "vx"):
			c.Effect = EffectRelative
		case isWord(word, "ex"):
			unit = 1000
		case isWord(word, "px"):
			unit = 1
		default:
			return false
		}
		i++
		if i == len(options) || unit != 0 && !setOption(c, options[i], unit) {
			return false
		}
	}
	return true
}

// buildWhole fills writes of a whole value without a time. The old deadline goes; for setnx there was
// none if it set.
func buildWhole(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Value = argv[1], argv[2]
	c.Has |= HasExpireAt
	return true
}

// buildPair fills the part of one key of mset and msetnx: like set, and like setnx.
func buildPair(c *Change, argv [][]byte, key int) bool {
	if len(argv)%2 == 0 {
		return false
	}
	c.Key, c.Value = argv[1+2*key], argv[2+2*key]
	c.Has |= HasExpireAt
	return true
}

// buildPiece fills append.
func buildPiece(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Value = argv[1], argv[2]
	return true
}

// buildPieceAt fills setrange and setbit; the offset is in Args.
func buildPieceAt(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Value = argv[1], argv[3]
	c.Args = append(c.Args, argv[2])
	return true
}

// buildIncr and buildDecr have what is added in the name of the command.
func buildIncr(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], plusOne
	return true
}

func buildDecr(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], minusOne
	return true
}

// buildDelta fills incrby and incrbyfloat.
func buildDelta(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], argv[2]
	return isNumber(c.Delta)
}

// buildDecrby turns the sign of its argument, which is in Args where turning it back would not give the same text.
func buildDecrby(c *Change, argv [][]byte, _ int) bool {
	if !isNumber(argv[2]) {
		return false
	}
	var given bool
	c.Key = argv[1]
	c.Delta, given = c.negate(argv[2])
	keepText(c, argv[2], given)
	return true
}

// negate turns the sign of a number. It reports whether the number follows from the result: +5 does not, and neither does -0,
// since 0 stays 0.
func (c *Change) negate(number []byte) (negated []byte, follows bool) {
	switch {
	case string(number) == "0":
		return number, true
	case number[0] == '-':
		return number[1:], string(number) != "-0"
	case number[0] == '+':
		c.negated = append(append(c.negated[:0], '-'), number[1:]...)
		return c.negated, false
	}
	c.negated = append(append(c.negated[:0], '-'), number...)
	return c.negated, true
}

// buildBitop has its destination after the operation, which comes first in Args.
func buildBitop(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[2]
	c.Args = append(c.Args, argv[1])
	c.Args = append(c.Args, argv[3:]...)
	return true
}

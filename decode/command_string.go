package decode

// minus is the Delta of decr, which has no argument to show.
var minus = []byte("-")

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

// buildDelta fills incrby, decrby and incrbyfloat. Delta is the argument as it is, so that which way
// it goes follows from Cmd.
func buildDelta(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], argv[2]
	return isNumber(c.Delta)
}

func buildDecr(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], minus
	return true
}

// buildBitop has its destination behind the operation, which comes first in Args.
func buildBitop(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[2]
	c.Args = append(c.Args, argv[1])
	c.Args = append(c.Args, argv[3:]...)
	return true
}

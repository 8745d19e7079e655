package decode

// buildZadd fills zadd. Pika itself takes no options; they are read for the servers that may.
func buildZadd(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	args := appendOptions(c, argv[2:])
	if len(args) == 0 || len(args)%2 != 0 {
		return false
	}
	c.Elements = Elements{args, scored}
	for ; len(args) > 0; args = args[2:] {
		if !isNumber(args[0]) {
			return false
		}
	}
	return true
}

// appendOptions moves the option words before the first score or longitude into Args and returns the
// rest. All of them but CH make the result depend on what was there.
func appendOptions(c *Change, args [][]byte) [][]byte {
	for len(args) > 0 {
		switch word := args[0]; {
		case isWord(word, "nx"), isWord(word, "xx"), isWord(word, "gt"), isWord(word, "lt"), isWord(word, "incr"):
			c.Effect = EffectRelative
		case isWord(word, "ch"):
		default:
			return args
		}
		c.Args = append(c.Args, args[0])
		args = args[1:]
	}
	return args
}

// buildZincrby fills zincrby.
func buildZincrby(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta, c.Elements = argv[1], argv[2], Elements{argv[3:], members}
	return isNumber(c.Delta)
}

// buildGeoadd puts the members into Elements, and longitude and latitude of each into Args, after the
// options: the score that a member gets is a geohash, which the log does not hold.
func buildGeoadd(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	args := appendOptions(c, argv[2:])
	if len(args) == 0 || len(args)%3 != 0 {
		return false
	}
	c.Elements = Elements{args, located}
	for ; len(args) > 0; args = args[3:] {
		if !isNumber(args[0]) || !isNumber(args[1]) {
			return false
		}
		c.Args = append(c.Args, args[0], args[1])
	}
	return true
}

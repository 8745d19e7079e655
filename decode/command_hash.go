package decode

// buildFields fills hset, hmset and hsetnx.
func buildFields(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	return appendFields(c, argv[2:])
}

// appendFields reports false for a field without a value.
func appendFields(c *Change, args [][]byte) bool {
	for ; len(args) > 1; args = args[2:] {
		c.Elements = append(c.Elements, Element{Field: args[0], Value: args[1]})
	}
	return len(args) == 0
}

// buildFieldNames fills hdel.
func buildFieldNames(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	for _, field := range argv[2:] {
		c.Elements = append(c.Elements, Element{Field: field})
	}
	return true
}

// buildFieldDelta fills hincrby and hincrbyfloat.
func buildFieldDelta(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta = argv[1], argv[3]
	c.Elements = append(c.Elements, Element{Field: argv[2]})
	return isNumber(c.Delta)
}

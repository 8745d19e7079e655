package decode

// buildFields fills hset, hmset and hsetnx.
func buildFields(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Elements = argv[1], Elements{argv[2:], fields}
	return len(argv)%2 == 0 // a field without a value is none
}

// buildFieldNames fills hdel.
func buildFieldNames(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Elements = argv[1], Elements{argv[2:], names}
	return true
}

// buildFieldDelta fills hincrby and hincrbyfloat.
func buildFieldDelta(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Delta, c.Elements = argv[1], argv[3], Elements{argv[2:3], names}
	return isNumber(c.Delta)
}

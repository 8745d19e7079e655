package decode

// buildKey fills Key; all that follows is in Args.
func buildKey(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	c.Args = append(c.Args, argv[2:]...)
	return true
}

// buildArgs is for commands without a key.
func buildArgs(c *Change, argv [][]byte, _ int) bool {
	c.Args = append(c.Args, argv[1:]...)
	return true
}

// buildEachKey fills the part of one key. The parts in their order give the command back.
func buildEachKey(c *Change, argv [][]byte, key int) bool {
	c.Key = argv[1+key]
	return true
}

// buildFlushall says instance for all versions that log flushall as it is: up to 3.0.16 the
// instance has one DB, and 3.5.4 and 4.0.0 empty all of them but log it only in the one that the
// client had selected. The others log flushdb in the log of each DB.
func buildFlushall(c *Change, argv [][]byte, _ int) bool {
	c.Scope = "instance"
	return buildArgs(c, argv, 0)
}

// buildMove fills rpoplpush and smove, which change two keys. Key is the destination, as in every
// store: it is the one that comes to hold something new. The source, which loses it, is in Args.
func buildMove(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Elements = argv[2], Elements{argv[3:], members}
	c.Args = append(c.Args, argv[1])
	return true
}

// buildMembers fills commands whose arguments after the key are items, members or stream ids.
func buildMembers(c *Change, argv [][]byte, _ int) bool {
	c.Key, c.Elements = argv[1], Elements{argv[2:], members}
	return true
}

// buildLastMember fills list commands that put what says where into Args: lset its index, linsert
// BEFORE or AFTER and the pivot, lrem the count.
func buildLastMember(c *Change, argv [][]byte, _ int) bool {
	last := len(argv) - 1
	c.Key, c.Elements = argv[1], Elements{argv[last:], members}
	c.Args = append(c.Args, argv[2:last]...)
	return true
}

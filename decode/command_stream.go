package decode

// buildXadd fills xadd: options in Args, the id, fields in Elements. The servers log the id that they
// gave; one that has an asterisk in it says that the entry has an id nobody knows.
func buildXadd(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	args, ok := appendStreamOptions(c, argv[2:])
	if !ok || len(args) < 3 || !isEntryID(args[0]) {
		return false
	}
	c.EntryID = args[0]
	if args[0][len(args[0])-1] == '*' {
		c.Effect = EffectUnknown
	}
	c.Elements = Elements{args[1:], fields}
	return len(args)%2 == 1
}

// buildXtrim fills xtrim; what it says stays in Args. MINID names what goes whatever is there, unless ~
// lets the server leave some of it.
func buildXtrim(c *Change, argv [][]byte, _ int) bool {
	c.Key = argv[1]
	args, ok := appendStreamOptions(c, argv[2:])
	if isWord(argv[2], "minid") && (len(argv) == 4 || len(argv) == 5 && string(argv[3]) == "=") {
		c.Effect = EffectExact
	}
	return ok && len(args) == 0
}

// appendStreamOptions moves NOMKSTREAM, MAXLEN and MINID, with = or ~ and their thresholds, and
// LIMIT into Args, and returns the rest. With any of them the result depends on what was there.
func appendStreamOptions(c *Change, args [][]byte) (rest [][]byte, ok bool) {
	for len(args) > 0 {
		n := 1
		switch word := args[0]; {
		case isWord(word, "nomkstream"):
		case isWord(word, "limit"):
			n = 2
		case isWord(word, "maxlen"), isWord(word, "minid"):
			n = 2
			if len(args) > 1 && (string(args[1]) == "~" || string(args[1]) == "=") {
				n = 3
			}
		default:
			return args, true
		}
		if len(args) < n {
			return nil, false
		}
		c.Effect = EffectRelative
		c.Args = append(c.Args, args[:n]...)
		args = args[n:]
	}
	return args, true
}

// isEntryID knows 5-1, 5, 5-* and *.
func isEntryID(b []byte) bool {
	ms := digits(b)
	rest := b[ms:]
	switch {
	case ms == 0:
		return len(rest) == 1 && rest[0] == '*'
	case len(rest) == 0:
		return true
	case rest[0] != '-' || len(rest) == 1:
		return false
	}
	rest = rest[1:]
	return digits(rest) == len(rest) || len(rest) == 1 && rest[0] == '*'
}

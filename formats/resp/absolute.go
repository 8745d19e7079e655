package resp

import "pikabin/decode"

// isRelativeDeadline reports whether a command gives a key a deadline that counts from when it runs, and always does so: what a condition decides
// stays as it was logged.
func isRelativeDeadline(c *decode.Change) bool {
	if c.Has&decode.HasExpireAt == 0 || c.Has&decode.HasTime == 0 || c.ExpireAt <= 0 {
		return false
	}
	switch c.Name() {
	case "expire", "pexpire", "setex", "psetex":
		return true
	case "set":
		condition, _ := conditionOf(c)
		return len(c.Argv) > 3 && condition == nil
	}
	return false
}

// appendAbsolute writes the value, if the command has one, and the deadline as a time, in words of every version of Pika.
func appendAbsolute(dst []byte, c *decode.Change) []byte {
	if c.Op == decode.OpSet {
		dst = appendSetHead(dst, 3, c.Key, c.Value)
	}
	const second = 1000
	if c.ExpireAt%second != 0 {
		dst = append(appendHead(dst, 3), "$9\r\npexpireat\r\n"...)
		return appendBulkInt(appendBulk(dst, c.Key), c.ExpireAt)
	}
	dst = append(appendHead(dst, 3), "$8\r\nexpireat\r\n"...)
	return appendBulkInt(appendBulk(dst, c.Key), c.ExpireAt/second)
}

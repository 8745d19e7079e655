package resp

import (
	"math"
	"strconv"

	"pikabin/decode"
)

// maxString is the length of the longest string that Redis holds.
const maxString = 512 << 20

// Doubt says why Redis may not come to hold what the server had after a change, "" if it does.
func (*Redis) Doubt(c *decode.Change) string {
	switch {
	case c.Op >= decode.OpGap || c.Effect != decode.EffectUnknown && c.Op == decode.OpOther:
		return ""
	case c.Op == decode.OpOther:
		return "neither pikabin nor Redis knows the command, nothing is written for it"
	case c.Effect == decode.EffectUnknown:
		return doubtUnknown(c)
	case (c.Op == decode.OpExpire || c.Op == decode.OpSet) && c.Has&decode.HasExpireAt == 0:
		return "the log has no times, so that the deadline counts from the loading"
	case c.Op == decode.OpFlush && len(c.Args) > 0 && !isRedisType(c.Args[0]):
		return "Redis has no such type, nothing is written for it"
	case c.Op == decode.OpFlush && len(c.Args) > 0 && !c.Before35:
		return "the keys of this type are deleted; Pika 3.5.4 then flushes nothing, and 3.5.5 the whole DB"
	case keepsDeadline(c) && len(c.Value) == 0:
		return "Pika 3.5.5 and 4.0.1 log an APPEND to a new key without its value"
	case c.Op == decode.OpSet && c.Precision == decode.PrecisionDerived && !c.Before35 && c.ExpireAt/1000 == c.Time:
		return "a Pika before 4.0 keeps a key for ever that has less than a second to live"
	case isRefused(c):
		return "Redis refuses this number"
	case lengthOf(c) > maxString:
		return "Redis holds strings of up to 512 MB and refuses this one"
	}
	return ""
}

// doubtUnknown is for changes of which the log does not say what happened.
func doubtUnknown(c *decode.Change) string {
	switch {
	case c.Op == decode.OpRemove && c.Type == decode.TypeSet:
		return "the log does not say which members went, Redis takes others"
	case c.Op == decode.OpRemove && c.Type == decode.TypeList:
		return "the log does not say which key gave a value, nothing is written for it"
	case c.Type == decode.TypeStream:
		return "the log does not say which id the entry got"
	}
	return ""
}

// lengthOf is how long a change that writes a piece makes its string at least.
func lengthOf(c *decode.Change) int64 {
	name := c.Name()
	if name != "setrange" && name != "setbit" {
		return 0
	}
	offset, err := strconv.ParseInt(string(c.Args[0]), 10, 64)
	switch {
	case err != nil:
		return math.MaxInt64
	case name == "setbit":
		return offset/8 + 1
	}
	return max(offset, offset+int64(len(c.Value)))
}

// isRefused reports whether a counter is changed by what Redis takes for no number.
func isRefused(c *decode.Change) bool {
	switch c.Name() {
	case "decrby":
		return string(c.Delta) == "9223372036854775808"
	case "incrbyfloat", "hincrbyfloat":
		f, err := strconv.ParseFloat(string(c.Delta), 64)
		return err == nil && math.IsInf(f, 0)
	}
	return false
}

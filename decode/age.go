package decode

// Age is what a command says about the version of the server that has logged it.
type Age uint8

// The ages. 3.5 logs what many commands did in the words of others, and knows new ones.
const (
	AgeUnknown Age = iota
	AgeBefore35
	AgeSince35
)

// Age tells servers before 3.5 from those after, as far as the command of the entry does.
func (e *Entry) Age() Age {
	if e.Command == nil || e.Padding {
		return AgeUnknown
	}
	switch e.Command.Name {
	case "mset", "msetnx", "bitop", "pfmerge", "rpoplpush", "smove", "sunionstore", "sinterstore", "sdiffstore", "zunionstore", "zinterstore":
		return AgeBefore35
	case "del":
		if len(e.Argv) > 2 {
			return AgeBefore35
		}
	case "unlink", "xadd", "xdel", "xtrim", "pexpireat", "clearcache", "clearreplicationid", "slotsmgrt-exec-wrapper":
		return AgeSince35
	case "lpop", "rpop", "spop":
		if len(e.Argv) > 2 {
			return AgeSince35
		}
	case "lpushx", "rpushx":
		if len(e.Argv) > 3 {
			return AgeSince35
		}
	}
	return AgeUnknown
}

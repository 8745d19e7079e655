// Package words reads and writes commands in the Redis protocol, as arrays of bulk strings.
package words

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// Append appends a command.
func Append(dst []byte, args ...string) []byte {
	dst = append(strconv.AppendInt(append(dst, '*'), int64(len(args)), 10), '\r', '\n')
	for _, arg := range args {
		dst = append(strconv.AppendInt(append(dst, '$'), int64(len(arg)), 10), '\r', '\n')
		dst = append(append(dst, arg...), '\r', '\n')
	}
	return dst
}

// Count counts commands. They are whole.
func Count(commands []byte) (n int) {
	for len(commands) > 0 {
		commands = skip(commands)
		n++
	}
	return n
}

// skip gives what is after the first command.
func skip(commands []byte) []byte {
	args, at := number(commands, 1)
	for range args {
		size, next := number(commands, at+1)
		at = next + size + len("\r\n")
	}
	return commands[at:]
}

// number reads digits from a place on, and gives the place after the end of their line.
func number(b []byte, at int) (n, next int) {
	for ; b[at] != '\r'; at++ {
		n = n*10 + int(b[at]-'0')
	}
	return n, at + len("\r\n")
}

// From gives the commands after the first n.
func From(commands []byte, n int) []byte {
	for range n {
		commands = skip(commands)
	}
	return commands
}

// Cut parts the first command from the others.
func Cut(commands []byte) (first, rest []byte) {
	rest = skip(commands)
	return commands[:len(commands)-len(rest)], rest
}

// Cursor reads commands argument by argument, and takes no memory.
type Cursor struct {
	Rest []byte // what is not read yet
	args int    // of the command that is being read
}

// Next begins the next command. It is false if there is none.
func (c *Cursor) Next() bool {
	for c.More() {
		c.Arg()
	}
	if len(c.Rest) == 0 {
		return false
	}
	args, at := number(c.Rest, 1)
	c.args, c.Rest = args, c.Rest[at:]
	return true
}

// More tells whether the command has an argument that is not read yet.
func (c *Cursor) More() bool { return c.args > 0 }

// Arg is the next argument of the command, nil after its last one.
func (c *Cursor) Arg() []byte {
	if !c.More() {
		return nil
	}
	size, at := number(c.Rest, 1)
	arg := c.Rest[at : at+size]
	c.Rest, c.args = c.Rest[at+size+len("\r\n"):], c.args-1
	return arg
}

// Args are the arguments of one of some commands.
func Args(commands []byte, index int) [][]byte {
	commands = From(commands, index)
	count, at := number(commands, 1)
	args := make([][]byte, count)
	for i := range args {
		size, next := number(commands, at+1)
		args[i], at = commands[next:next+size], next+size+len("\r\n")
	}
	return args
}

// Describe shows a command to people, shortened. Of a script it shows the keys and arguments.
func Describe(args [][]byte) string {
	name := strings.ToUpper(string(args[0]))
	rest := args[1:]
	if name == "EVAL" && len(args) > 3 {
		name, rest = "a script for", args[3:]
	}
	const most = 6
	text := name
	for i, arg := range rest {
		if i == most {
			return text + fmt.Sprintf(" … (%d arguments)", len(args)-1)
		}
		text += " " + short(arg)
	}
	return text
}

// short is an argument as people read it.
func short(arg []byte) string {
	const most = 40
	end := ""
	if len(arg) > most {
		arg, end = arg[:most], "…"
	}
	if len(arg) > 0 && bytes.IndexFunc(arg, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' }) < 0 {
		return string(arg) + end
	}
	return strconv.Quote(string(arg)) + end
}

package cluster

import (
	"bytes"

	"pikabin/encode/output/redis/words"
)

// Slots is how many slots the keys of a cluster are parted into. Each is of one master.
const Slots = 16384

// What an event has in the place of a slot.
const (
	Wide = -1 // it is for all keys: each master does it
	Torn = -2 // it has a command whose keys are of several slots: no master does it
)

// Slot is the slot of a key: of what is in its first braces, if that is something, or of all of it.
func Slot(key []byte) int {
	if open := bytes.IndexByte(key, '{'); open >= 0 {
		if size := bytes.IndexByte(key[open+1:], '}'); size > 0 {
			key = key[open+1 : open+1+size]
		}
	}
	return int(crc16(key)) % Slots
}

// crc16 is the checksum of XMODEM.
func crc16(text []byte) (sum uint16) {
	for _, b := range text {
		sum = sum<<8 ^ crcs[byte(sum>>8)^b]
	}
	return sum
}

// crcs are the checksums of single bytes.
var crcs = func() (table [256]uint16) {
	const polynomial = 0x1021
	for i := range table {
		sum := uint16(i) << 8
		for range 8 {
			carry := sum>>15 == 1
			if sum <<= 1; carry {
				sum ^= polynomial
			}
		}
		table[i] = sum
	}
	return table
}()

// place is the slot of what was looked at.
type place struct {
	slot    int
	command int  // that has keys of several slots, from 0
	script  bool // it is a script
}

// Place is the slot of the keys of an event, which are those of all its commands: Wide if there are none, and Torn if these are of several. Then it
// also says which command has them, one that people know if there is one.
func Place(commands []byte) (slot, command int) {
	all := place{slot: Wide}
	c := words.Cursor{Rest: commands}
	for i := 0; c.Next(); i++ {
		one := place{slot: Wide}
		one.look(&c)
		all.merge(one, i)
	}
	return all.slot, all.command
}

// merge takes up a command.
func (p *place) merge(one place, i int) {
	switch was := p.slot; {
	case one.slot == Torn && (was != Torn || p.script), one.slot >= 0 && was >= 0 && one.slot != was:
		p.slot, p.command, p.script = Torn, i, one.script
	case was == Wide:
		p.slot = one.slot
	}
}

// look looks at the keys of a command: at where the commands of the format have theirs.
func (p *place) look(c *words.Cursor) {
	const all = 1 << 30
	var room [16]byte // more than the longest of these names
	switch string(lower(room[:0], c.Arg())) {
	case "eval":
		p.script = true
		c.Arg()
		p.keys(c, number(c.Arg()), 1)
	case "flushall", "flushdb":
	case "del", "unlink", "sunionstore", "sinterstore", "sdiffstore", "pfmerge":
		p.keys(c, all, 1)
	case "mset", "msetnx":
		p.keys(c, all, 2)
	case "rpoplpush", "smove":
		p.keys(c, 2, 1)
	case "bitop":
		c.Arg()
		p.keys(c, all, 1)
	case "zunionstore", "zinterstore":
		p.keys(c, 1, 1)
		p.keys(c, number(c.Arg()), 1)
	default:
		p.keys(c, 1, 1)
	}
}

// lower is a name in small letters, as far as there is room.
func lower(room, name []byte) []byte {
	for _, b := range name[:min(len(name), cap(room))] {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		room = append(room, b)
	}
	return room
}

// keys takes the next arguments as so many keys, each with what belongs to it: step is how many arguments these are together.
func (p *place) keys(c *words.Cursor, n, step int) {
	for ; n > 0 && c.More(); n-- {
		switch slot := Slot(c.Arg()); {
		case p.slot == Wide:
			p.slot = slot
		case p.slot != slot:
			p.slot = Torn
		}
		for range step - 1 {
			c.Arg()
		}
	}
}

// number is an argument that says how many keys come after it; 0 if it says nothing.
func number(arg []byte) (n int) {
	if len(arg) > 9 {
		return 0
	}
	for _, b := range arg {
		if b < '0' || b > '9' {
			return 0
		}
		n = n*10 + int(b-'0')
	}
	return n
}

package binlogtest

import (
	"encoding/binary"
	"strconv"
	"strings"

	"pikabin/decode"
)

// fragmentType is the last byte of a physical header.
type fragmentType byte

const (
	typeFull fragmentType = iota + 1
	typeFirst
	typeMiddle
	typeLast
	typeBad fragmentType = 6
)

// appendFragments appends payload to dst as physical records, trailers included. dst begins at offset
// base of its segment. It returns where in dst the first header lies, and how many fragments there are.
func appendFragments(dst []byte, base, header int, time uint32, payload []byte) (_ []byte, first, fragments int) {
	for n := 0; ; n++ {
		left := decode.BlockSize - (base+len(dst))%decode.BlockSize
		if left < header {
			dst = append(dst, make([]byte, left)...)
			left = decode.BlockSize
		}
		if n == 0 {
			first = len(dst)
		}
		size := min(len(payload), left-header)
		dst = appendHeader(dst, header, size, time, fragmentTypeOf(n == 0, size == len(payload)))
		dst = append(dst, payload[:size]...)
		payload = payload[size:]
		if len(payload) == 0 {
			return dst, first, n + 1
		}
	}
}

func fragmentTypeOf(begin, end bool) fragmentType {
	switch {
	case begin && end:
		return typeFull
	case begin:
		return typeFirst
	case end:
		return typeLast
	}
	return typeMiddle
}

// appendHeader appends a physical header of 4 or 8 bytes.
func appendHeader(dst []byte, header, size int, time uint32, t fragmentType) []byte {
	dst = append(dst, byte(size), byte(size>>8), byte(size>>16))
	if header == 8 {
		dst = binary.LittleEndian.AppendUint32(dst, time)
	}
	return append(dst, byte(t))
}

// header is what an item header says beside the length of its content; G2 has some of it in its extra arguments.
type header struct {
	time    uint32
	origin  uint32
	logicID uint64
	prev    decode.Position
}

func (w *Writer) header(p *Put) header {
	h := header{time: p.ExecTime, origin: w.opts.Origin, prev: w.pos}
	if h.time == 0 {
		h.time = w.opts.Time
	}
	switch {
	case w.opts.Generation == decode.G3:
		h.logicID = w.puts
	case w.opts.Generation > decode.G3:
		h.logicID = w.puts + 1
	}
	if p.Copied != nil {
		h.logicID, h.prev, h.origin = p.Copied.LogicID, p.Copied.Position, p.Copied.Origin
	}
	return h
}

// appendPut appends the payload of a record: its commands in the form of the generation.
func (w *Writer) appendPut(dst []byte, p *Put, h header) []byte {
	for _, argv := range p.Commands {
		switch w.opts.Generation {
		case decode.G0, decode.G1:
			dst = appendArray(dst, argv, 0)
		case decode.G2:
			dst = appendArray(dst, argv, extraArguments)
			dst = appendExtra(dst, p, h)
		default:
			dst = appendItem(dst, h, func(dst []byte) []byte { return appendArray(dst, argv, 0) })
		}
	}
	return dst
}

// appendItem appends an item header and the content that follows it.
func appendItem(dst []byte, h header, content func([]byte) []byte) []byte {
	dst = append(dst, 1, 0)
	dst = binary.LittleEndian.AppendUint32(dst, h.time)
	dst = binary.LittleEndian.AppendUint32(dst, h.origin)
	dst = binary.LittleEndian.AppendUint64(dst, h.logicID)
	dst = binary.LittleEndian.AppendUint32(dst, h.prev.Segment)
	dst = binary.LittleEndian.AppendUint64(dst, uint64(h.prev.Offset))
	dst = append(dst, 0, 0, 0, 0)
	begin := len(dst)
	dst = content(dst)
	binary.LittleEndian.PutUint32(dst[begin-4:], uint32(len(dst)-begin))
	return dst
}

// appendArray appends argv as a RESP array that claims extra arguments more.
func appendArray(dst []byte, argv []string, extra int) []byte {
	dst = append(dst, '*')
	dst = strconv.AppendInt(dst, int64(len(argv)+extra), 10)
	dst = append(dst, '\r', '\n')
	for _, arg := range argv {
		dst = appendArgument(dst, arg)
	}
	return dst
}

func appendArgument(dst []byte, arg string) []byte {
	dst = append(dst, '$')
	dst = strconv.AppendInt(dst, int64(len(arg)), 10)
	dst = append(dst, '\r', '\n')
	dst = append(dst, arg...)
	return append(dst, '\r', '\n')
}

// Status is the form of G2's third extra argument.
type Status uint8

// The forms. A replica in read-only mode writes StatusFull, with the master's position.
const (
	StatusFull  Status = iota // 16 bytes: exec time, segment, offset
	StatusNone                // empty: a replica that is not in read-only mode
	StatusOfHub               // "X": the command came from a hub
)

const (
	extraArguments = 4
	extraMagic     = "__PIKA_X#$SKGI"
)

// appendExtra appends the four arguments that 2.3 puts after every command.
func appendExtra(dst []byte, p *Put, h header) []byte {
	dst = appendArgument(dst, extraMagic)
	dst = appendArgument(dst, strconv.FormatUint(uint64(h.origin), 10))
	switch p.Status {
	case StatusNone:
		dst = append(dst, "$0\r\n\r\n"...)
	case StatusOfHub:
		dst = append(dst, "$1\r\nX\r\n"...)
	default:
		dst = append(dst, "$16\r\n"...)
		dst = binary.LittleEndian.AppendUint32(dst, h.time)
		dst = binary.LittleEndian.AppendUint32(dst, h.prev.Segment)
		dst = binary.LittleEndian.AppendUint64(dst, uint64(h.prev.Offset))
		dst = append(dst, '\r', '\n')
	}
	hub := p.Hub
	if hub == "" {
		hub = "1"
	}
	return appendArgument(dst, hub)
}

// Sizes of the padding item: the whole of one without stars.
const (
	itemHeaderSize  = 34
	minPaddingItem  = itemHeaderSize + len("*2\r\n$7\r\npadding\r\n$00000\r\n\r\n")
	paddingTemplate = "*2\r\n$7\r\npadding\r\n$"
)

// appendPaddingItem appends an item with nothing in its header but the length, and n stars.
// PikaBinlogTransverter::ConstructPaddingBinlog writes their number with five digits.
func appendPaddingItem(dst []byte, n int) []byte {
	return appendItem(dst, header{}, func(dst []byte) []byte {
		dst = append(dst, paddingTemplate...)
		digits := strconv.Itoa(n)
		dst = append(dst, "00000"[:max(5-len(digits), 0)]...)
		dst = append(dst, digits...)
		dst = append(dst, '\r', '\n')
		dst = append(dst, stars(n)...)
		return append(dst, '\r', '\n')
	})
}

func stars(n int) string { return strings.Repeat("*", n) }

// fillSizes finds the lengths of a key and a value that make a command grow bytes longer than with a
// key of one byte and an empty value. A value alone cannot: its length gets one digit more at 10, 100 and so on.
func fillSizes(grow int) (key, value int) {
	for key = 1; key < 9; key++ {
		want := grow - (key - 1) + 1 // bytes of the value and of its length's digits
		for digits := 1; digits < 6; digits++ {
			if value = want - digits; value >= 0 && len(strconv.Itoa(value)) == digits {
				return key, value
			}
		}
	}
	panic("binlogtest: no command of that size")
}

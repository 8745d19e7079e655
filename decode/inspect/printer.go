package inspect

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"pikabin/decode"
	"pikabin/decode/units"
)

// Limits of what is shown unless everything is asked for.
const (
	argShown    = 128
	argsShown   = 32
	eventsShown = 8
	hexShown    = 512 // bytes of a record
	damageSeen  = 64  // bytes shown at damage
)

// printer writes records for a person.
type printer struct {
	out  *bufio.Writer // its first error comes back at the flush
	zone *time.Location
	log  *decode.Log

	full, hex bool
}

func (p *printer) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }

func (p *printer) row(name, format string, args ...any) {
	p.printf("  %-9s%s\n", name, fmt.Sprintf(format, args...))
}

var kindNames = map[decode.FragmentKind]string{
	decode.FragmentFull: "full", decode.FragmentFirst: "first", decode.FragmentMiddle: "middle", decode.FragmentLast: "last",
	decode.FragmentFiller: "filler",
}

// head shows where a record and its fragments lie.
func (p *printer) head(segment uint32, rec *decode.Record, frags []fragment) {
	p.printf("%s %d:%d to %d:%d, %s\n", p.log, segment, rec.Offset, segment, rec.End, count(rec.End-rec.Offset, "byte"))
	if len(frags) == 0 {
		p.row("block", "at %d (%#x), all spaces", rec.Offset, rec.Offset)
	}
	for i, f := range frags {
		if !p.full && i > 2 && i < len(frags)-1 {
			if i == 3 {
				p.row("...", "%s more", count(int64(len(frags)-4), "fragment"))
			}
			continue
		}
		text := fmt.Sprintf("at %d (%#x), %s", f.offset, f.offset, count(f.Length, "byte"))
		if rec.HeaderSize == 8 {
			text += ", " + units.FormatTime(f.Time, p.zone)
		}
		p.row(kindNames[f.Kind], "%s", text)
	}
}

// entry shows one command with its item header. want is the position that it should name.
func (p *printer) entry(e *decode.Entry, filler bool, want *decode.Position) {
	if e.Has&decode.HasLogicID != 0 {
		p.row("item", "%s, %s, logic id %d, %s", units.FormatTime(e.Time, p.zone), originOf(e), e.LogicID, named(e, want))
	}
	switch {
	case filler:
		p.row("filler", "left by a full sync")
	case e.Empty:
		p.row("empty", "no content")
	case e.Wrapped:
		p.row("padding", "an item inside an item")
	case e.Padding:
		p.row("padding", "%s", p.command(e.Argv))
	default:
		p.row("command", "%s", p.command(e.Argv))
	}
}

func originOf(e *decode.Entry) string {
	if e.Has&decode.HasServerID != 0 {
		return fmt.Sprintf("server id %d", e.ServerID)
	}
	return fmt.Sprintf("term %d", e.Term)
}

// named says which position a record names, and what it should be.
func named(e *decode.Entry, want *decode.Position) string {
	text := "names " + e.At.String()
	if want != nil && e.At != *want {
		text += fmt.Sprintf(" (expected %v)", *want)
	}
	return text
}

// extra shows the four arguments that 2.3 puts after each command.
func (p *printer) extra(e *decode.Entry, args [][]byte, want *decode.Position) {
	if len(args) != 4 {
		return
	}
	text := fmt.Sprintf("server id %s, hub flag %s", p.argument(args[1]), p.argument(args[3]))
	if e.HasAt {
		text += fmt.Sprintf(", %s, %s", units.FormatTime(e.Time, p.zone), named(e, want))
	} else {
		text += ", no position: " + p.argument(args[2])
	}
	p.row("extra", "%s", text)
}

// command shows the arguments of a command.
func (p *printer) command(argv [][]byte) string {
	var parts []string
	for i, arg := range argv {
		if i == argsShown && !p.full {
			parts = append(parts, fmt.Sprintf("... (%s)", count(int64(len(argv)), "argument")))
			break
		}
		parts = append(parts, p.argument(arg))
	}
	return strings.Join(parts, " ")
}

// argument shows text as it is, and quoted as Go does what would not read well.
func (p *printer) argument(arg []byte) string {
	if len(arg) > argShown && !p.full {
		return fmt.Sprintf("%s... (%d bytes)", quoteName(string(units.CutText(arg, argShown/2))), len(arg))
	}
	return quoteName(string(arg))
}

// event shows what a change says beyond its command.
func (p *printer) event(c *decode.Change) {
	text := c.Op.String()
	if c.Type != decode.TypeNone {
		text += " " + c.Type.String()
	}
	if c.Key != nil {
		text += ", key " + p.argument(c.Key)
	}
	text += ", " + c.Effect.String()
	if c.Has&decode.HasExpireAt != 0 {
		text += ", " + p.deadline(c)
	}
	if c.Parts > 0 {
		text += fmt.Sprintf(", part %d of %d", c.Part+1, c.Parts)
	}
	p.row("event", "%s", text)
}

func (p *printer) deadline(c *decode.Change) string {
	if c.Precision == decode.PrecisionNone && c.ExpireAt == 0 {
		return "no expiry"
	}
	text := "expires " + time.UnixMilli(c.ExpireAt).In(p.zone).Format("2006-01-02 15:04:05.000 -0700")
	if c.Precision == decode.PrecisionDerived {
		text += " or up to a second off"
	}
	return text
}

// damage shows what is wrong at an offset, with the bytes there.
func (p *printer) damage(err error, src io.ReaderAt, at, limit int64) {
	p.printf("  damage: %v\n", err)
	buf := make([]byte, max(min(damageSeen, limit-at), 0))
	n, _ := src.ReadAt(buf, at) // what cannot be read is not shown
	p.lines(buf[:n], at)
}

// dump shows the bytes of a record, each header on a line of its own.
func (p *printer) dump(src io.ReaderAt, rec *decode.Record, frags []fragment) error {
	if len(frags) == 0 {
		frags = []fragment{{offset: rec.Offset, Fragment: decode.Fragment{Length: rec.End - rec.Offset - rec.HeaderSize}}}
	}
	shown := int64(0)
	for _, f := range frags {
		n := f.Length
		if !p.full {
			n = min(n, hexShown-shown)
		}
		buf := make([]byte, rec.HeaderSize+n)
		if _, err := src.ReadAt(buf, f.offset); err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the bytes at %d: %w", f.offset, err)
		}
		p.printf("  header\n")
		p.lines(buf[:rec.HeaderSize], f.offset)
		p.printf("  payload\n")
		p.lines(buf[rec.HeaderSize:], f.offset+rec.HeaderSize)
		if shown += n; n < f.Length {
			p.printf("  ... (%s in all)\n", count(rec.End-rec.Offset, "byte"))
			break
		}
	}
	return nil
}

// lines dumps bytes, 16 to a line: their offset, hex and ASCII. Lines that are as the one before are left out and marked
// by a star, as hexdump does.
func (p *printer) lines(b []byte, offset int64) {
	var last []byte
	star := false
	for len(b) > 0 {
		n := min(16, len(b))
		if same := bytes.Equal(b[:n], last); same && len(b) > n && !p.full {
			if !star {
				p.printf("  *\n")
			}
			star = true
			b, offset = b[n:], offset+int64(n)
			continue
		}
		last, star = b[:n], false
		p.printf("  %08x  %-47s  |%s|\n", offset, spaced(b[:n]), printable(b[:n]))
		b, offset = b[n:], offset+int64(n)
	}
}

func spaced(b []byte) string {
	var s strings.Builder
	for i := range b {
		if i > 0 {
			s.WriteByte(' ')
		}
		s.WriteString(hex.EncodeToString(b[i : i+1]))
	}
	return s.String()
}

func printable(b []byte) string {
	text := make([]byte, len(b))
	for i, c := range b {
		text[i] = '.'
		if c >= ' ' && c <= '~' {
			text[i] = c
		}
	}
	return string(text)
}

// quotePath shows a name of the disk as it is, and quoted as Go does what a terminal would not show as it is.
func quotePath(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !strconv.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(s)
	}
	return s
}

// quoteName shows text as it is, and quoted as Go does what is empty, binary, or would not read as one word.
func quoteName(s string) string {
	if q := strconv.Quote(s); len(q) != len(s)+2 || strings.ContainsRune(s, ' ') || s == "" {
		return q
	}
	return s
}

//go:build unix

package pikasim

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"pikabin/decode/binlogtest"
)

// Placeholder stands in a value for the time at which its record is committed: with Options.Stamp the first one in a record
// becomes CLOCK_REALTIME in nanoseconds, in 19 digits, taken right before the manifest is stored.
var Placeholder = strings.Repeat("#", 19)

// stamp puts the time in the place of the placeholder, in the file and in the record.
func (s *Server) stamp(r *binlogtest.Encoded) error {
	at := bytes.Index(r.Payload, []byte(Placeholder))
	if at < 0 {
		return nil
	}
	text := strconv.AppendInt(make([]byte, 0, len(Placeholder)), time.Now().UnixNano(), 10)
	if err := s.patchPayload(r, at, text); err != nil {
		return err
	}
	copy(r.Payload[at:], text)
	if !s.opts.Discard {
		stampWant(&r.Want, at, text)
	}
	return nil
}

// patchPayload overwrites bytes of a payload that was stored just now, and may be spread over fragments.
func (s *Server) patchPayload(r *binlogtest.Encoded, at int, text []byte) error {
	header := binlogtest.HeaderSize(s.opts.Generation)
	pos := r.Want.Offset
	b := r.Bytes[len(r.Bytes)-int(r.Want.End-pos):] // without the trailer
	for len(text) > 0 {
		size := fragmentSize(b)
		if at < size {
			n := min(len(text), size-at)
			if err := s.segment.patch(text[:n], pos+int64(header+at)); err != nil {
				return err
			}
			text, at = text[n:], at+n
		}
		at -= size
		pos += int64(header + size)
		b = b[header+size:]
	}
	return nil
}

// fragmentSize is the length in a physical header.
func fragmentSize(header []byte) int {
	return int(header[0]) | int(header[1])<<8 | int(header[2])<<16
}

func stampWant(want *binlogtest.Want, at int, text []byte) {
	copy(want.Payload[at:], text)
	for _, argv := range want.Commands {
		for _, arg := range argv {
			if i := bytes.Index(arg, []byte(Placeholder)); i >= 0 {
				copy(arg[i:], text)
				return
			}
		}
	}
}

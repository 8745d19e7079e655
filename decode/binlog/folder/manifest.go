package folder

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"

	"pikabin/decode"
)

// Layout is one of the two ways the manifest's fields have been laid out.
type Layout uint8

// The layouts. Both are little-endian and unaligned, and nothing in the file says which one it is.
//
//	Layout2: u64@0 offset, u32@20 segment                              Pika 2.0 to 2.3
//	Layout3: u32@0 segment, u64@4 offset, u64@12 logic id, u32@20 term   Pika 3.0 and later
const (
	Layout3 Layout = iota
	Layout2
)

// ManifestSize is how many bytes of a manifest mean something; the file is 65536 bytes long.
const ManifestSize = 24

// stableReads bounds how often a manifest is read until two reads agree. A server at full speed changes it every
// few microseconds, which is about what one read takes, so this is never reached but on a broken disk.
const stableReads = 10000

// Manifest is the server's commit point. Everything before Position in its segment is complete; what
// lies past it is not to be read.
type Manifest struct {
	Position decode.Position
	LogicID  uint64 // counts the puts; Layout3 only
	// Term is that of Pika 3.3 and later with a consensus level. In classic mode it is 0 or garbage, in Pika 3.0 it is
	// the segment number of the double-master mode.
	Term       uint32
	HasLogicID bool // false in Layout2
	Layout     Layout
}

// ParseManifest reads the fields in one of the two layouts. Only a file that is too short, or an
// offset that no file can have, is an error: whether the fields are plausible the segments must say.
func ParseManifest(data []byte, layout Layout) (Manifest, error) {
	if len(data) < ManifestSize {
		return Manifest{}, fmt.Errorf("only %d bytes long, expected 65536", len(data))
	}
	le := binary.LittleEndian
	m := Manifest{Layout: layout}
	var offset uint64
	if layout == Layout2 {
		offset = le.Uint64(data)
		m.Position.Segment = le.Uint32(data[20:])
	} else {
		m.Position.Segment = le.Uint32(data)
		offset = le.Uint64(data[4:])
		m.LogicID, m.HasLogicID = le.Uint64(data[12:]), true
		m.Term = le.Uint32(data[20:])
	}
	if offset > math.MaxInt64 {
		return Manifest{}, fmt.Errorf("offset %d of write2file%d is impossible", offset, m.Position.Segment)
	}
	m.Position.Offset = int64(offset)
	return m, nil
}

// ReadManifest gives the bytes of a manifest as they were for at least the time between two reads. The server
// stores the fields one after the other through a mapping, so that one read may see the new segment with the old
// offset. A missing file is ErrNoManifest.
func ReadManifest(path string) ([]byte, error) {
	f, err := openManifest(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readStable(f, new([2][ManifestSize]byte))
}

// openManifest opens the file. What is no file is not opened: a named pipe would wait for somebody who writes into it.
func openManifest(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: path, Err: fmt.Errorf("a %s, and not a file", kindOf(info.Mode()))}
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoManifest
	}
	return f, err
}

// kindOf is a word for what is no file.
func kindOf(mode fs.FileMode) string {
	switch {
	case mode.IsDir():
		return "folder"
	case mode&fs.ModeNamedPipe != 0:
		return "named pipe"
	}
	return "device or socket"
}

// readStable reads until two reads agree. What it returns is in one of the buffers.
func readStable(r io.ReaderAt, bufs *[2][ManifestSize]byte) ([]byte, error) {
	last, err := readHead(r, bufs[0][:])
	for i := 1; err == nil && i < stableReads; i++ {
		var next []byte
		next, err = readHead(r, bufs[i%2][:])
		if err == nil && bytes.Equal(last, next) {
			return next, nil
		}
		last = next
	}
	if err == nil {
		err = errors.New("changes faster than it can be read")
	}
	return nil, err
}

// readHead reads up to len(buf) bytes from the beginning of r.
func readHead(r io.ReaderAt, buf []byte) ([]byte, error) {
	n, err := r.ReadAt(buf, 0)
	if err == io.EOF {
		err = nil
	}
	return buf[:n], err
}

// ChooseManifest finds the layout. The form of the newest records decides: 2.x has bare commands, 3.x items. The files say less, since segments that
// the manifest names may be missing, and are asked only in a log without any record: the segment is there and reaches up to the offset. Else
// zeros decide, where 2.x never writes. Where nothing decides, the manifest is read as the one of a log from which something is missing. family is
// decode.GenerationUnknown without records.
func ChooseManifest(data []byte, segments []Segment, family decode.Generation) (Manifest, error) {
	m3, err3 := ParseManifest(data, Layout3)
	m2, err2 := ParseManifest(data, Layout2)
	fits3 := err3 == nil && m3.Fits(segments)
	// One of 3.x reads in the other layout as an offset of terabytes: so does one that was converted for it and has not been written since.
	may2 := m2.Position.Offset <= math.MaxUint32
	fits2 := err2 == nil && may2 && m2.Fits(segments)
	var is2 bool
	switch {
	case family != decode.GenerationUnknown:
		is2 = family <= decode.G2 && may2
	case fits2 != fits3:
		is2 = fits2
	default:
		is2 = looksLike2(data) || !fits3 && onlyOffset(data)
	}
	if is2 {
		return m2, err2
	}
	return m3, err3
}

func looksLike2(data []byte) bool {
	return len(data) >= ManifestSize && bytes.Count(data[4:20], []byte{0}) == 16 && binary.LittleEndian.Uint32(data[20:]) != 0
}

// onlyOffset reports whether nothing but the first field is set: 2.x in write2file0, or 3.3 and later right after a full sync to the beginning of
// a segment, which then is there.
func onlyOffset(data []byte) bool {
	return len(data) >= ManifestSize && binary.LittleEndian.Uint32(data) != 0 && bytes.Count(data[4:ManifestSize], []byte{0}) == ManifestSize-4
}

// Fits reports whether the manifest's segment is there and long enough. What an archive unpacks to is not known
// yet, and it is taken to be long enough.
func (m Manifest) Fits(segments []Segment) bool {
	i, ok := Find(segments, m.Position.Segment)
	return ok && (segments[i].Compression != Plain || m.Position.Offset <= segments[i].Size)
}

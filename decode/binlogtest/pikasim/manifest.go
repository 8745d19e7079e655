//go:build unix

package pikasim

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// extend makes a file size bytes long if it is shorter.
func extend(f *os.File, size int64) error {
	info, err := f.Stat()
	if err != nil || info.Size() >= size {
		return err
	}
	return f.Truncate(size)
}

// field is a field of the manifest, and the step that stores it.
type field struct {
	step     string
	at, size int
}

// The fields in the order in which Version::StableSave stores them.
var (
	fields2 = []field{{StepOffset, 0, 8}, {StepNumber, 20, 4}}
	fields3 = []field{{StepNumber, 0, 4}, {StepOffset, 4, 8}, {StepLogicID, 12, 8}, {StepTerm, 20, 4}}
)

// fieldsOf is the layout of a generation. 3.3 was the first to store a term.
func fieldsOf(g decode.Generation) []field {
	switch {
	case g <= decode.G2:
		return fields2
	case g == decode.G3:
		return fields3[:3]
	}
	return fields3
}

// manifest is the mapped manifest file.
type manifest struct {
	mem    []byte
	fields []field
}

func createManifest(path string, g decode.Generation) (*manifest, error) {
	return mapManifest(path, os.O_CREATE|os.O_EXCL, g)
}

func openManifest(path string, g decode.Generation) (*manifest, error) {
	return mapManifest(path, 0, g)
}

// PositionIn is what the manifest of a log's folder says, of a server of that version, be it alive or killed. The error of a
// folder without a manifest is fs.ErrNotExist.
func PositionIn(dir string, g decode.Generation) (decode.Position, error) {
	m, err := openManifest(filepath.Join(dir, "manifest"), g)
	if err != nil {
		return decode.Position{}, err
	}
	defer m.close()
	return m.position(), nil
}

func mapManifest(path string, flag int, g decode.Generation) (*manifest, error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o600)
	if err != nil {
		return nil, fmt.Errorf("opening the manifest: %w", err)
	}
	defer f.Close()
	if err := extend(f, binlogtest.ManifestSize); err != nil {
		return nil, fmt.Errorf("making the manifest longer: %w", err)
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, binlogtest.ManifestSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping the manifest: %w", err)
	}
	return &manifest{mem: mem, fields: fieldsOf(g)}, nil
}

// store is one store of one field. The copy of four or eight bytes is one move of the processor, as Pika's memcpy is, so
// that no reader sees half a field.
func (m *manifest) store(f field, at decode.Position, logicID uint64, term uint32) {
	var b [8]byte
	switch f.step {
	case StepNumber:
		binary.LittleEndian.PutUint32(b[:], at.Segment)
	case StepOffset:
		binary.LittleEndian.PutUint64(b[:], uint64(at.Offset))
	case StepLogicID:
		binary.LittleEndian.PutUint64(b[:], logicID)
	case StepTerm:
		binary.LittleEndian.PutUint32(b[:], term)
	}
	if f.size == 8 {
		copy(m.mem[f.at:f.at+8], b[:8])
	} else {
		copy(m.mem[f.at:f.at+4], b[:4])
	}
}

func (m *manifest) position() decode.Position {
	var at decode.Position
	for _, f := range m.fields {
		switch f.step {
		case StepNumber:
			at.Segment = binary.LittleEndian.Uint32(m.mem[f.at:])
		case StepOffset:
			at.Offset = int64(binary.LittleEndian.Uint64(m.mem[f.at:]))
		}
	}
	return at
}

// logicID is 0 in 2.x, which has none.
func (m *manifest) logicID() uint64 {
	for _, f := range m.fields {
		if f.step == StepLogicID {
			return binary.LittleEndian.Uint64(m.mem[f.at:])
		}
	}
	return 0
}

func (m *manifest) close() { _ = unix.Munmap(m.mem) }

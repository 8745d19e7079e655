package binlogtest

import (
	"encoding/binary"

	"pikabin/decode"
)

// ManifestSize is the size of every manifest file; all but the first bytes are zero.
const ManifestSize = 65536

// Manifest is the manifest file that goes with the segments as they are now, in the layout of the
// generation.
func (w *Writer) Manifest() []byte {
	return AppendManifest(nil, w.opts.Generation, w.Position(), w.puts, w.opts.Origin)
}

// AppendManifest appends a manifest file. G0 to G2 have neither logic id nor term, G3 has no term.
func AppendManifest(dst []byte, g decode.Generation, pos decode.Position, logicID uint64, term uint32) []byte {
	begin := len(dst)
	dst = append(dst, make([]byte, ManifestSize)...)
	m := dst[begin:]
	if g <= decode.G2 {
		binary.LittleEndian.PutUint64(m, uint64(pos.Offset))
		binary.LittleEndian.PutUint32(m[20:], pos.Segment)
		return dst
	}
	binary.LittleEndian.PutUint32(m, pos.Segment)
	binary.LittleEndian.PutUint64(m[4:], uint64(pos.Offset))
	binary.LittleEndian.PutUint64(m[12:], logicID)
	if g >= decode.G4 {
		binary.LittleEndian.PutUint32(m[20:], term)
	}
	return dst
}

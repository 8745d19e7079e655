package folder

import (
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// raw makes the bytes of a manifest in the layout of a generation.
func raw(g decode.Generation, segment uint32, offset int64, logicID uint64, term uint32) []byte {
	return binlogtest.AppendManifest(nil, g, decode.Position{Segment: segment, Offset: offset}, logicID, term)
}

func TestParseManifest(t *testing.T) {
	at := decode.Position{Segment: 38, Offset: 2224}
	for name, c := range map[string]struct {
		data   []byte
		layout Layout
		want   Manifest
		err    string
	}{
		"2.x":                  {data: raw(decode.G2, 38, 2224, 0, 0), layout: Layout2, want: Manifest{Position: at, Layout: Layout2}},
		"3.x":                  {data: raw(decode.G5, 38, 2224, 97, 5), layout: Layout3, want: Manifest{Position: at, LogicID: 97, HasLogicID: true, Term: 5}},
		"cut before the term":  {data: raw(decode.G5, 38, 2224, 97, 5)[:23], err: "only 23 bytes long, expected 65536"},
		"empty":                {err: "only 0 bytes long"},
		"an offset below zero": {data: raw(decode.G5, 38, -1, 97, 5), err: "offset 18446744073709551615 of write2file38 is impossible"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ParseManifest(c.data, c.layout)
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Errorf("error %v, want %q", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("manifest (-want +got):\n%s", diff)
			}
		})
	}
}

func TestChooseManifest(t *testing.T) {
	segments := func(numberAndSize ...int64) []Segment {
		var list []Segment
		for i := 0; i < len(numberAndSize); i += 2 {
			list = append(list, Segment{Number: uint32(numberAndSize[i]), Size: numberAndSize[i+1]})
		}
		return list
	}
	for name, c := range map[string]struct {
		data     []byte
		segments []Segment
		family   decode.Generation
		want     Layout
	}{
		"2.x in its first segment":                 {data: raw(decode.G1, 0, 500, 0, 0), segments: segments(0, 4096), want: Layout2},
		"2.x in a later one":                       {data: raw(decode.G1, 7, 500, 0, 0), segments: segments(6, 4096, 7, 4096), want: Layout2},
		"3.x in its first segment":                 {data: raw(decode.G3, 0, 500, 7, 0), segments: segments(0, 4096), want: Layout3},
		"3.x with a garbage term":                  {data: raw(decode.G4, 3, 500, 7, 3899565672), segments: segments(3, 4096), want: Layout3},
		"3.x after a full sync, as 2.x 0:5":        {data: raw(decode.G5, 5, 0, 0, 0), segments: segments(5, 0), want: Layout3},
		"the same with an older segment 0":         {data: raw(decode.G5, 5, 0, 0, 0), segments: segments(0, 4096, 5, 0), family: decode.G4, want: Layout3},
		"2.x at 0:5 beside a segment 5":            {data: raw(decode.G2, 0, 5, 0, 0), segments: segments(0, 4096, 5, 0), family: decode.G2, want: Layout2},
		"3.x after the end of its file":            {data: raw(decode.G5, 3, 5000, 9, 0), segments: segments(0, 10, 3, 4096), family: decode.G4, want: Layout3},
		"2.x after the end of its file":            {data: raw(decode.G2, 3, 5000, 0, 0), segments: segments(0, 10, 3, 4096), family: decode.G2, want: Layout2},
		"2.x whose segment is gone, no records":    {data: raw(decode.G2, 3, 0, 0, 0), want: Layout2},
		"2.x whose first segment is gone":          {data: raw(decode.G1, 0, 500, 0, 0), want: Layout2},
		"2.x whose segment is gone, one is empty":  {data: raw(decode.G1, 0, 500, 0, 0), segments: segments(1, 0), want: Layout2},
		"3.x whose segment is gone, no records":    {data: raw(decode.G5, 3, 100, 9, 0), want: Layout3},
		"3.x whose segment is gone":                {data: raw(decode.G4, 23, 0, 97, 0), segments: segments(0, 4096, 22, 4096), family: decode.G4, want: Layout3},
		"2.x whose segment is gone":                {data: raw(decode.G1, 5, 0, 0, 0), segments: segments(0, 4096, 4, 4096), family: decode.G1, want: Layout2},
		"3.x that a server of 2.x was upgraded to": {data: raw(decode.G3, 4, 96, 0, 0), segments: segments(0, 4096, 4, 4096), family: decode.G2, want: Layout3},
		"3.x whose archive is gone": {
			data: raw(decode.G4, 22, 986, 97, 0), segments: []Segment{{Number: 0, Size: 10, Compression: Zstd}}, family: decode.G4, want: Layout3,
		},
		"3.x whose segment is gone, beside an archive without records": {
			data: raw(decode.G4, 1, 437, 1, 0), segments: []Segment{{Number: 0, Size: 10, Compression: Gzip}}, want: Layout3,
		},
		"all zero": {data: raw(decode.G5, 0, 0, 0, 0), segments: segments(0, 0), want: Layout3},
		"3.x in an archive, whose size is unknown": {data: raw(decode.G5, 3, 5000, 9, 0), segments: []Segment{{Number: 3, Size: 10, Compression: Zstd}}, want: Layout3},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ChooseManifest(c.data, c.segments, c.family)
			if err != nil || got.Layout != c.want {
				t.Errorf("layout %v, %v, want %v", got.Layout, err, c.want)
			}
		})
	}
}

// changing is a manifest that has another content at each read until it has shown them all.
type changing struct {
	states [][]byte
	reads  int
}

func (c *changing) ReadAt(p []byte, _ int64) (int, error) {
	state := c.states[min(c.reads, len(c.states)-1)]
	c.reads++
	if n := copy(p, state); n < len(p) {
		return n, io.EOF
	}
	return len(p), nil
}

func TestReadStableTakesWhatTwoReadsSay(t *testing.T) {
	mixed := raw(decode.G5, 8, 1000, 5, 0) // the new segment, the old offset
	after := raw(decode.G5, 8, 0, 5, 0)
	c := &changing{states: [][]byte{raw(decode.G5, 7, 1000, 5, 0), mixed, after}}
	got, err := readStable(c, new([2][ManifestSize]byte))
	if err != nil || string(got) != string(after[:ManifestSize]) {
		t.Errorf("got %x, %v, want the last state", got, err)
	}
	if c.reads != 4 {
		t.Errorf("%d reads, want 4", c.reads)
	}
}

func TestReadStableGivesUp(t *testing.T) {
	c := &changing{}
	for i := range 2 * stableReads {
		c.states = append(c.states, binary.LittleEndian.AppendUint64(make([]byte, 0, 64), uint64(i)))
	}
	if _, err := readStable(c, new([2][ManifestSize]byte)); err == nil || !strings.Contains(err.Error(), "changes faster") {
		t.Errorf("error %v", err)
	}
}

type failing struct{ err error }

func (f failing) ReadAt([]byte, int64) (int, error) { return 0, f.err }

func TestReadStablePassesErrorsOn(t *testing.T) {
	want := errors.New("disk on fire")
	if _, err := readStable(failing{want}, new([2][ManifestSize]byte)); !errors.Is(err, want) {
		t.Errorf("error %v, want %v", err, want)
	}
}

func FuzzManifest(f *testing.F) {
	f.Add(raw(decode.G2, 38, 2224, 0, 0)[:ManifestSize], uint32(38), int64(2224))
	f.Add(raw(decode.G5, 3, 3314, 321, 3836114864)[:ManifestSize], uint32(3), int64(4194304))
	f.Add([]byte("short"), uint32(0), int64(0))
	f.Fuzz(func(t *testing.T, data []byte, number uint32, size int64) {
		segments := []Segment{{Number: number, Size: max(size, 0)}}
		for _, family := range []decode.Generation{decode.GenerationUnknown, decode.G1, decode.G4} {
			m, err := ChooseManifest(data, segments, family)
			switch {
			case err == nil && m.Position.Offset < 0:
				t.Errorf("offset %d", m.Position.Offset)
			case err == nil && len(data) < ManifestSize:
				t.Errorf("%d bytes passed for a manifest", len(data))
			case err == nil && m.HasLogicID != (m.Layout == Layout3):
				t.Errorf("layout %v with a logic id: %v", m.Layout, m.HasLogicID)
			}
		}
	})
}

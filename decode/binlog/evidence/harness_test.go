package evidence_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"pikabin/decode"
	"pikabin/decode/binlog/evidence"
	"pikabin/decode/binlog/folder"
	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var generations = []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G3, decode.G4, decode.G5}

// form is what records of a generation show of it.
func form(g decode.Generation) decode.Generation {
	if g >= decode.G3 {
		return decode.G4
	}
	return g
}

// witness is a log on the disk, and what is asked about it.
type witness struct {
	t    *testing.T
	dir  string
	view evidence.View
	all  []folder.Segment // those above the manifest's position, too
	*evidence.Reader
}

// call writes a log, and looks at it as a reader that knows its version.
func call(t *testing.T, w *binlogtest.Writer, g decode.Generation) *witness {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log_db0")
	must(t, w.WriteDir(dir))
	return look(t, dir, g)
}

// look looks at the log in a folder.
func look(t *testing.T, dir string, g decode.Generation) *witness {
	t.Helper()
	list, err := folder.List(dir)
	must(t, err)
	data, err := folder.ReadManifest(folder.ManifestPath(dir))
	must(t, err)
	layout := folder.Layout3
	if g <= decode.G2 {
		layout = folder.Layout2
	}
	m, err := folder.ParseManifest(data, layout)
	must(t, err)
	var names folder.Names
	id, err := names.Identify(dir)
	must(t, err)
	r, err := evidence.NewReader(&folder.Dir{ID: id, Path: dir}, decode.GenerationUnknown)
	must(t, err)
	segments, _ := folder.Split(list.Segments, m.Position.Segment)
	return &witness{t: t, dir: dir, view: evidence.View{Segments: segments, Manifest: m, Generation: g}, all: list.Segments, Reader: r}
}

// segment is one of the folder.
func (w *witness) segment(number uint32) folder.Segment {
	w.t.Helper()
	i, ok := folder.Find(w.all, number)
	if !ok {
		w.t.Fatalf("no write2file%d", number)
	}
	return w.all[i]
}

// open opens a segment for the rest of the test.
func (w *witness) open(number uint32) (*folder.File, decode.Span) {
	w.t.Helper()
	f, err := folderOf(w).OpenPlain(w.segment(number))
	must(w.t, err)
	w.t.Cleanup(func() { must(w.t, f.Close()) })
	return f, w.Span(&w.view, f)
}

func folderOf(w *witness) *folder.Dir { return &folder.Dir{ID: &decode.Log{DB: "db0"}, Path: w.dir} }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put writes n records of random lengths, some of them over many blocks.
func put(w *binlogtest.Writer, r *rand.Rand, n int) {
	for range n {
		size := r.IntN(400)
		if r.IntN(12) == 0 {
			size = r.IntN(200_000)
		}
		w.Command("SET", "k"+strconv.Itoa(r.IntN(1000)), strings.Repeat("v", size))
	}
}

// random is a test, and what it makes a log of.
type random struct {
	*testing.T
	generation decode.Generation
	rand       *rand.Rand
}

// randomly runs a test some times for each generation from the oldest one on.
func randomly(t *testing.T, seeds uint64, oldest decode.Generation, test func(x *random)) {
	t.Helper()
	for _, g := range generations {
		for seed := range sample.Count(seeds, 3) {
			if g < oldest {
				continue
			}
			t.Run(fmt.Sprintf("G%d-%d", g-decode.G0, seed), func(t *testing.T) {
				t.Parallel()
				test(&random{t, g, rand.New(rand.NewPCG(seed, uint64(g)))})
			})
		}
	}
}

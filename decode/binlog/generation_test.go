package binlog_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
)

// purgedLog is a log of three segments without the first one.
func purgedLog(t *testing.T, name string, o binlogtest.Options, put func(w *binlogtest.Writer)) string {
	t.Helper()
	w := binlogtest.NewWriter(o)
	for range 3 {
		put(w)
		put(w)
		put(w)
		w.Rotate()
	}
	put(w)
	dir := filepath.Join(t.TempDir(), name)
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	remove(t, dir, 0)
	return dir
}

func TestGeneration(t *testing.T) {
	asMaster := func(w *binlogtest.Writer) { w.Command("SET", "k", "v") }
	asReplica := func(origin uint32) func(w *binlogtest.Writer) {
		return func(w *binlogtest.Writer) {
			w.Put(binlogtest.Put{Commands: [][]string{{"SET", "k", "v"}}, Copied: &binlogtest.Copied{LogicID: 1 << 40, Origin: origin}})
		}
	}
	for name, c := range map[string]struct {
		folder     string
		written    decode.Generation
		origin     uint32
		put        func(w *binlogtest.Writer)
		noManifest bool
		said       decode.Generation
		want       decode.Generation
	}{
		"2.0":                       {written: decode.G0, put: asMaster, want: decode.G0},
		"2.1":                       {written: decode.G1, put: asMaster, want: decode.G1},
		"2.3":                       {written: decode.G2, put: asMaster, want: decode.G2},
		"the manifest is one ahead": {folder: "log_db0", written: decode.G3, put: asMaster, want: decode.G3},
		"the manifest is level, in a copied folder": {folder: "copy", written: decode.G5, origin: 77, put: asMaster, want: decode.G4},
		"a replica of 3.0, flat":                    {folder: "log", written: decode.G3, put: asReplica(7), want: decode.G3},
		"a replica of 3.3 with a garbage term":      {folder: "log_db0", written: decode.G4, put: asReplica(77), want: decode.G4},
		"a third field of zero":                     {folder: "log", written: decode.G4, put: asReplica(0), want: decode.G4},
		"archived segments":                         {folder: "log", written: decode.G4, put: asReplica(77), noManifest: true, want: decode.G4},
		"said by the user":                          {folder: "log_db0", written: decode.G4, put: asMaster, said: decode.G3, want: decode.G3},
	} {
		t.Run(name, func(t *testing.T) {
			dir := purgedLog(t, c.folder, binlogtest.Options{Generation: c.written, Origin: c.origin}, c.put)
			if c.noManifest {
				if err := os.Remove(filepath.Join(dir, "manifest")); err != nil {
					t.Fatal(err)
				}
			}
			logs, err := binlog.Find([]string{dir}, binlog.Options{Generation: c.said})
			if err != nil {
				t.Fatal(err)
			}
			if got := logs[0].Generation(); got != c.want {
				t.Errorf("generation %d, want %d", got, c.want)
			}
		})
	}
}

// TestUpgradedServer has a segment of each generation. Items look alike, so the newest tell for all of them.
func TestUpgradedServer(t *testing.T) {
	dir := t.TempDir()
	for g := decode.G0; g <= decode.G4; g++ {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: g, Start: at(uint32(g), 0)})
		w.Command("SET", "k", "v")
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
	}
	l := findOne(t, dir)
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	var got []decode.Generation
	for c, err := p.Next(t.Context()); !errors.Is(err, io.EOF); c, err = p.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if _, begins := c.Missing.(*decode.RewrittenError); begins {
			continue // each names its own beginning
		}
		got = append(got, c.Generation)
		c.Release()
	}
	want := []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G4, decode.G4}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("generations (-want +got):\n%s", diff)
	}
}

// TestGenerationOfDamagedLogs damages any byte of one of the first records, so that it is lost or says something else: what the others say
// holds for them, and for the log.
func TestGenerationOfDamagedLogs(t *testing.T) {
	for _, want := range []decode.Generation{decode.G0, decode.G1, decode.G2, decode.G3, decode.G4} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: want})
		for i := range 80 {
			w.Command("SET", "key", strings.Repeat("v", 37*i))
		}
		records := w.Records()
		sound := w.Bytes(0)
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, uint64(want)))
			dir := filepath.Join(t.TempDir(), "log_db0")
			if err := w.WriteDir(dir); err != nil {
				t.Fatal(err)
			}
			damaged := &records[r.IntN([]int{3, len(records)}[seed%2])]
			at := damaged.Offset + r.Int64N(min(damaged.End-damaged.Offset, 60))
			data := bytes.Clone(sound)
			data[at] ^= byte(1 + r.IntN(255))
			if err := os.WriteFile(filepath.Join(dir, "write2file0"), data, 0o600); err != nil {
				t.Fatal(err)
			}
			logs, err := binlog.Find([]string{dir}, binlog.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := logs[0].Generation(); got != want {
				t.Errorf("G%d, byte %d damaged: taken for G%d", want-decode.G0, at, got-decode.G0)
			}
			for _, got := range chunkGenerations(t, logs[0]) {
				if got != want && (got != decode.G1 || want != decode.G2) { // which are read alike
					t.Errorf("G%d, byte %d damaged: a chunk is taken for G%d", want-decode.G0, at, got-decode.G0)
				}
			}
		}
	}
}

// chunkGenerations are those that the records of a log are read as.
func chunkGenerations(t *testing.T, l *binlog.Log) (list []decode.Generation) {
	t.Helper()
	p := l.Chunks(l.Start(), l.Committed(), binlog.PlanOptions{})
	defer p.Close()
	for c, err := p.Next(t.Context()); !errors.Is(err, io.EOF); c, err = p.Next(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if c.Missing == nil {
			list = append(list, c.Generation)
			c.Release()
		}
	}
	return list
}

// TestBefore35 has commands that only servers of some versions log as they are.
func TestBefore35(t *testing.T) {
	for name, c := range map[string]struct {
		generation decode.Generation
		commands   []string
		want       bool
	}{
		"nothing tells":           {decode.G4, []string{"SET k v", "DEL k", "SETRANGE k 0 v"}, false},
		"MSET as it was sent":     {decode.G4, []string{"SET k v", "MSET k v l w"}, true},
		"DEL of several keys":     {decode.G4, []string{"DEL k l"}, true},
		"a set that is stored":    {decode.G4, []string{"SUNIONSTORE d a b"}, true},
		"LPOP with a count":       {decode.G5, []string{"LPOP k 2"}, false},
		"upgraded: more is newer": {decode.G5, []string{"MSET k v", "UNLINK k", "UNLINK k"}, false},
		"3.2 is G3":               {decode.G3, []string{"MSET k v"}, false},
	} {
		w := binlogtest.NewWriter(binlogtest.Options{Generation: c.generation})
		for _, command := range c.commands {
			w.Command(strings.Fields(command)...)
		}
		dir := filepath.Join(t.TempDir(), "log_db0")
		if err := w.WriteDir(dir); err != nil {
			t.Fatal(err)
		}
		logs, err := binlog.Find([]string{dir}, binlog.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if got := logs[0].View().Before35; got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

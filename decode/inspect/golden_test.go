package inspect_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

var zone = time.FixedZone("", 8*3600)

// info gives the table and the JSON of a report, with dir as DIR.
func info(t *testing.T, dir string, workers int) (table, json string) {
	t.Helper()
	report, err := inspect.Info(t.Context(), find(t, dir), inspect.InfoOptions{
		Options: inspect.Options{Workers: workers}, Zone: zone,
	})
	if err != nil {
		t.Fatal(err)
	}
	var texts [2]bytes.Buffer
	if err := report.WriteTable(&texts[0]); err != nil {
		t.Fatal(err)
	}
	if err := report.WriteJSON(&texts[1]); err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(texts[0].String(), dir, "DIR"), strings.ReplaceAll(texts[1].String(), dir, "DIR")
}

func TestInfoGolden(t *testing.T) {
	for _, test := range []struct{ fixture, folder string }{
		{"2.2.6-everytype", "log"},
		{"2.3.6-rotate-tiny", "log"},
		{"3.2.9-everytype-sharding", "log"},
		{"3.3.6-everytype", "log"},
		{"4.0.1-replica", "1-after-fullsync-slave"},
	} {
		t.Run(test.fixture, func(t *testing.T) {
			dir := filepath.Join(binlogtest.FixtureNamed(t, test.fixture).Unpack(t), test.folder)
			table, json := info(t, dir, 0)
			golden(t, "info-"+test.fixture+".txt", table)
			golden(t, "info-"+test.fixture+".json", json)
		})
	}
}

// show gives the text of Show for the one log of a folder.
func show(t *testing.T, log *binlog.Log, o inspect.ShowOptions) string {
	t.Helper()
	o.Zone = zone
	var text bytes.Buffer
	if err := inspect.Show(t.Context(), &text, log, o); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func TestShowGolden(t *testing.T) {
	for _, test := range []struct {
		name, log string
		options   inspect.ShowOptions
	}{
		{"g1", "2.2.6-everytype/log", inspect.ShowOptions{Count: 3, Hex: true}},
		{"g2", "2.3.6-everytype/log", inspect.ShowOptions{From: decode.Position{Offset: 1500}, Count: 12}},
		{"g3", "3.0.4-everytype/log", inspect.ShowOptions{Count: 12}},
		{"g4", "3.3.6-everytype/log/log_db0", inspect.ShowOptions{Count: 12}},
		{"g5", "4.0.1-everytype/log/log_db0", inspect.ShowOptions{Count: 12}},
		{"replica", "4.0.1-replica/1-after-fullsync-slave/log_db0", inspect.ShowOptions{Count: 2, Hex: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := binlogtest.FixtureLog(t, test.log)
			golden(t, "show-"+test.name+".txt", show(t, find(t, f.Unpack(t))[0], test.options))
		})
	}
}

// written puts a log into a folder.
func written(t *testing.T, w *binlogtest.Writer) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "log_db0")
	if err := w.WriteDir(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// longLog is a log with records of all shapes.
func longLog(g decode.Generation) *binlogtest.Writer {
	w := binlogtest.NewWriter(binlogtest.Options{Generation: g, SegmentSize: 1 << 20})
	for i := range 3000 {
		w.Command("SET", "user:"+string(rune('a'+i%26)), strings.Repeat("v", i%700))
		if i%250 == 0 {
			w.Command("set", "large", strings.Repeat("\x00", 300000))
		}
		if i%97 == 0 {
			w.Fill(i % 11)
		}
		w.Advance(i % 2)
	}
	return w
}

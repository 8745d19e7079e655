package inspect_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
	"pikabin/decode/inspect"
)

// TestStandings shows every way in which a saved position can stand to its log.
func TestStandings(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	for range 3 {
		w.Command("SET", "k", strings.Repeat("v", 3000))
		w.Command("SET", "k", strings.Repeat("v", 3000))
		w.Rotate()
	}
	w.Command("SET", "last", "v")
	dir := written(t, w)
	if err := os.Remove(filepath.Join(dir, binlogtest.SegmentName(0))); err != nil {
		t.Fatal(err)
	}
	l := find(t, dir)[0]
	record := w.Records()[2]
	p := decode.Position{Segment: record.Segment, Offset: record.End}
	fence, err := l.Fence(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	other := fence
	other.Bytes[0] ^= 1
	var places []inspect.Standing
	for _, saved := range []inspect.Saved{
		{Position: p, Fence: fence},
		{Position: p, Epoch: 2},
		{Position: l.Committed()},
		{Position: decode.Position{Segment: 0, Offset: 10}, Fence: fence},
		{Position: decode.Position{Segment: 9}, Fence: fence},
		{Position: p, Fence: other},
	} {
		place, err := inspect.StandingOf(t.Context(), l, saved)
		if err != nil {
			t.Fatal(err)
		}
		places = append(places, place)
	}
	places = append(places, inspect.NewStanding(l), inspect.LoneStanding("db7", inspect.Saved{Position: p}))
	var text strings.Builder
	if err := inspect.WriteStandings(&text, places); err != nil {
		t.Fatal(err)
	}
	golden(t, "places.txt", text.String())
}

// TestPlaceOfAnArchive: how far it is to the end nobody knows.
func TestPlaceOfAnArchive(t *testing.T) {
	l := find(t, binlogtest.FixtureLog(t, "2.3.6-rotate-tiny/log").Dir)[0]
	place := inspect.NewStanding(l)
	if place.Behind != nil || *place.Segments != len(l.Segments())-1 {
		t.Errorf("%+v", place)
	}
}

func TestPlaceOfABrokenDisk(t *testing.T) {
	w := binlogtest.NewWriter(binlogtest.Options{})
	w.Command("SET", "k", "v")
	dir := written(t, w)
	l := find(t, dir)[0]
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	path := filepath.Join(dir, binlogtest.SegmentName(0))
	if err := errors.Join(os.Remove(path), os.Mkdir(path, 0o700)); err != nil {
		t.Fatal(err)
	}
	place, err := inspect.StandingOf(ctx, l, inspect.Saved{Position: w.Position(), Fence: decode.Fence{Bytes: decode.Sum{1}}})
	if err == nil {
		t.Errorf("%s", cmp.Diff(inspect.Standing{}, place))
	}
}

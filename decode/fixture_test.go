package decode_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// manifestPosition is the commit point of a log, by the layout of its version.
func manifestPosition(l binlogtest.LogFixture, b []byte) decode.Position {
	if l.Generation <= decode.G2 {
		return decode.Position{Segment: binary.LittleEndian.Uint32(b[20:]), Offset: int64(binary.LittleEndian.Uint64(b))}
	}
	return decode.Position{Segment: binary.LittleEndian.Uint32(b), Offset: int64(binary.LittleEndian.Uint64(b[4:]))}
}

// fixtureSpan is one segment of a fixture.
func fixtureSpan(l binlogtest.LogFixture, s binlogtest.Segment, committed decode.Position) decode.Span {
	span := whole(l.Generation, s.Bytes)
	span.Log.DB, span.Log.Slot, span.Segment = l.DB, l.Slot, s.Number
	span.Final = s.Number == committed.Segment
	if span.Final {
		span.End = min(span.End, committed.Offset)
		span.Limit = span.End
	}
	return span
}

// fixtureRows puts the records of a segment into the form of the independent reader's.
func fixtureRows(t *testing.T, span decode.Span, b []byte) []binlogtest.FixtureRecord {
	t.Helper()
	d, err := decode.NewDecoder(decode.DecoderOptions{All: true})
	if err != nil {
		t.Fatal(err)
	}
	var rows []binlogtest.FixtureRecord
	var s decode.Scanner
	s.Reset(bytes.NewReader(b), span)
	prev := int64(0)
	for {
		var rec decode.Record
		if err := s.Next(&rec); err == io.EOF {
			return rows
		} else if err != nil {
			t.Fatal(err)
		}
		if err := d.Decode(&span, &rec); err != nil {
			t.Fatal(err)
		}
		for i, e := range d.Entries() {
			var c decode.Change
			if !d.Next(&c) {
				t.Fatalf("no change of the entry %d at %d", i, rec.Offset)
			}
			for c.Parts > 0 && c.KeyIndex+1 < partsOf(&e) {
				d.Next(&c)
			}
			row := fixtureRow(&rec, &e, &c, span.Generation)
			row.Sub, row.Prev = i, prev
			rows = append(rows, row)
		}
		prev = rec.End
	}
}

func partsOf(e *decode.Entry) int {
	if e.Command == nil {
		return 1
	}
	return e.Command.Parts(e.Argv)
}

func fixtureRow(rec *decode.Record, e *decode.Entry, c *decode.Change, g decode.Generation) binlogtest.FixtureRecord {
	row := binlogtest.FixtureRecord{
		Segment: c.Segment, Offset: c.Offset, Next: c.End, PTime: rec.Time, Time: c.Time, LogicID: c.LogicID,
		Term: c.Term + c.ServerID, FileNum: e.At.Segment, HdrOff: e.At.Offset, Kind: "command",
	}
	for _, arg := range c.Argv {
		row.Argv = append(row.Argv, append([]byte{}, arg...))
	}
	if e.Padding {
		row.Kind = "padding"
	}
	if rec.Filler {
		row.Time = rec.Time
	}
	if g == decode.G2 {
		row.ServerID = strconv.FormatUint(uint64(c.ServerID), 10)
	}
	return row
}

func TestFixtures(t *testing.T) {
	for _, l := range binlogtest.FixtureLogs(t) {
		t.Run(l.Name, func(t *testing.T) {
			committed := manifestPosition(l, l.Manifest(t))
			var got []binlogtest.FixtureRecord
			for _, s := range l.Segments(t) {
				if s.Number <= committed.Segment {
					got = append(got, fixtureRows(t, fixtureSpan(l, s, committed), s.Bytes)...)
				}
			}
			want := l.Records(t)
			for i := range want {
				w := &want[i]
				w.Hub = ""
				if len(w.Argv) == 0 || w.Note == "nested padding item" {
					w.Argv = nil // of filler there are no arguments
				}
				w.Note = ""
			}
			for i := range min(len(want), len(got)) {
				if diff := cmp.Diff(want[i], got[i], cmp.Comparer(sameBytes)); diff != "" {
					t.Fatalf("record %d (-want +got):\n%s", i, diff)
				}
			}
			if len(got) != len(want) {
				t.Errorf("%d records, want %d", len(got), len(want))
			}
		})
	}
}

// TestFixturesInChunks reads the segments that are longer than a block in spans.
func TestFixturesInChunks(t *testing.T) {
	for _, l := range binlogtest.FixtureLogs(t) {
		committed := manifestPosition(l, l.Manifest(t))
		for _, s := range l.Segments(t) {
			if len(s.Bytes) < block || s.Number > committed.Segment {
				continue
			}
			span := fixtureSpan(l, s, committed)
			want := mustScan(t, s.Bytes, span)
			checkChunks(t, s.Bytes, span, block, want)
			checkChunks(t, s.Bytes, span, 3*block, want)
		}
	}
}

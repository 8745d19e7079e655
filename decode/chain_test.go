package decode_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
)

// TestChain adds pieces of 1000 bytes each, of a segment of 3000.
func TestChain(t *testing.T) {
	log := &decode.Log{DB: "db0", Slot: -1}
	bad := &decode.CorruptError{Offset: 1500, Err: decode.ErrBadType}
	piece := func(number int64, p decode.Coverage) decode.Coverage {
		p.Span = decode.Span{Log: log, Begin: number * 1000, End: number*1000 + 1000, Limit: 3000, Open: p.Open}
		return p
	}
	open := decode.Span{Open: true}
	none := decode.Coverage{First: -1, Last: -1}
	for _, test := range []struct {
		name   string
		pieces []decode.Coverage
		want   []string
	}{
		{"nothing wrong", []decode.Coverage{{First: 0, Last: 1100}, {First: 1100, Last: 2000}, {First: 2000, Last: 3000}}, nil},
		{"a record over a whole piece", []decode.Coverage{{First: 0, Last: 2100}, none, {First: 2100, Last: 3000}}, nil},
		{"a record to the end of the segment", []decode.Coverage{{First: 0, Last: 3000}, none, none}, nil},
		{"a first record that follows nothing", []decode.Coverage{{First: 0, Last: 1000}, {First: 1200, Last: 3000}, none}, []string{"0:1000 to 0:1200 at 1000"}},
		{
			"damage in front of a first record",
			[]decode.Coverage{{First: 0, Last: 1000}, {First: 1700, Last: 3000, HeadErr: bad}, none},
			[]string{"0:1000 to 0:1700 at 1500"},
		},
		{
			"damage over two pieces",
			[]decode.Coverage{{First: 0, Last: 1000}, {First: 1000, Last: 1400, Err: bad}, {First: 2600, Last: 3000}},
			[]string{"0:1400 to 0:2600 at 1500"},
		},
		{
			"damage to the end",
			[]decode.Coverage{{First: 0, Last: 1000}, {First: 1000, Last: 1400, Err: bad}, none},
			[]string{"0:1400 to 0:3000 at 1500"},
		},
		{
			"bytes of no record at the end of an open log",
			[]decode.Coverage{{First: 0, Last: 1000}, {First: 1000, Last: 1400, Err: bad}, {Span: open, First: -1}},
			[]string{"0:1400 to 0:3000 at 1500, open"},
		},
		{"a record that ends too early", []decode.Coverage{{First: 0, Last: 1000}, {First: 1000, Last: 2000}, {First: 2000, Last: 2900}}, []string{"0:2900 to 0:3000 at 2900"}},
		{"zeros to the end", []decode.Coverage{{First: 0, Last: 700, Zeros: true}, {First: -1, Zeros: true}, {First: -1, Zeros: true}}, nil},
		{
			"zeros, and records after them",
			[]decode.Coverage{{First: 0, Last: 700, Zeros: true}, {First: -1, Zeros: true}, {First: 2000, Last: 3000}},
			[]string{"0:700 to 0:2000 at 700"},
		},
		{"half a record at the end of an open log", []decode.Coverage{{First: 0, Last: 700, Err: bad, Torn: true}, {First: -1, Torn: true}, {First: -1, Torn: true}}, nil},
		{"two pieces that claim the same bytes", []decode.Coverage{{First: 0, Last: 1400}, {First: 1000, Last: 3000}, none}, []string{"0:1000 to 0:1400 at 1000"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			lost := func(l decode.Lost) error {
				corrupt, ok := errors.AsType[*decode.CorruptError](l.Err)
				if !ok {
					t.Fatal(l.Err)
				}
				line := fmt.Sprintf("%v to %v at %d", l.From, l.To, corrupt.Offset)
				if l.Open {
					line += ", open"
				}
				got = append(got, line)
				return nil
			}
			var c decode.Chain
			for i, p := range test.pieces {
				p = piece(int64(i), p)
				if err := c.Add(&p, lost); err != nil {
					t.Fatal(err)
				}
			}
			if err := c.Close(lost); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestChainEndsASegmentWithTheNext(t *testing.T) {
	log := &decode.Log{DB: "db0", Slot: -1}
	var c decode.Chain
	first := decode.Coverage{Span: decode.Span{Log: log, End: 100, Limit: 100}, First: 0, Last: 90}
	second := decode.Coverage{Span: decode.Span{Log: log, Segment: 1, End: 100, Limit: 100}, First: 0, Last: 100}
	wrong := errors.New("stop")
	stop := func(l decode.Lost) error {
		if want := (decode.Position{Offset: 90}); l.From != want {
			t.Errorf("lost from %v, want %v", l.From, want)
		}
		return wrong
	}
	if err := c.Add(&first, stop); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(&second, stop); !errors.Is(err, wrong) {
		t.Errorf("got %v", err)
	}
}

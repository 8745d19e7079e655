package decode_test

import (
	"testing"

	"pikabin/decode"
)

func TestParsePosition(t *testing.T) {
	tests := map[string]decode.Position{
		"12:4096":                        {Segment: 12, Offset: 4096},
		"0:0":                            {},
		"12:0x1000":                      {Segment: 12, Offset: 4096},
		"0000000012:000000004096":        {Segment: 12, Offset: 4096},
		"7:0100":                         {Segment: 7, Offset: 100},
		"4294967295:9223372036854775807": {Segment: 1<<32 - 1, Offset: 1<<63 - 1},
	}
	for text, want := range tests {
		got, err := decode.ParsePosition(text)
		if err != nil || got != want {
			t.Errorf("ParsePosition(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestParsePositionRefuses(t *testing.T) {
	for _, text := range []string{
		"", "12", ":", "12:", ":4096", "12:-1", "12:+1", "+12:1", "12:1_000", "12:0b1", "12:0X10", "12:0x", "12:0x-1",
		"4294967296:0", "12:9223372036854775808", "1:2:3", "12: 4096", "write2file12:4096",
	} {
		if got, err := decode.ParsePosition(text); err == nil {
			t.Errorf("ParsePosition(%q) = %v", text, got)
		}
	}
}

func TestPositionBefore(t *testing.T) {
	ordered := []decode.Position{{}, {Offset: 1}, {Segment: 1}, {Segment: 1, Offset: 5}, {Segment: 2, Offset: 3}}
	for i, p := range ordered {
		for j, q := range ordered {
			if p.Before(q) != (i < j) {
				t.Errorf("%v.Before(%v) is %v", p, q, p.Before(q))
			}
		}
	}
}

func TestParseGeneration(t *testing.T) {
	tests := map[string]decode.Generation{
		"2.0": decode.G0, "2.0.5": decode.G0, "2.1.0": decode.G1, "2.2.6": decode.G1, "2.3": decode.G2, "2.3.8": decode.G2,
		"3.0": decode.G3, "3.0.16": decode.G3, "3.2.9": decode.G3, "3.3.0": decode.G4, "3.4.1": decode.G4, "3.5.1": decode.G4,
		"3.5": decode.G5, "3.5.2": decode.G5, "v3.5.2-alpha": decode.G5, "4.0": decode.G5, "v4.0.1": decode.G5, "5.0": decode.G5,
	}
	for version, want := range tests {
		if got, err := decode.ParseGeneration(version); err != nil || got != want {
			t.Errorf("ParseGeneration(%q) = %v, %v, want %v", version, got, err, want)
		}
	}
	for _, version := range []string{"", "3", "1.0", "2.4", "3.6.0", "6.0", "pika"} {
		if got, err := decode.ParseGeneration(version); err == nil {
			t.Errorf("ParseGeneration(%q) = %v", version, got)
		}
	}
}

func FuzzPosition(f *testing.F) {
	for _, seed := range []string{"12:4096", "12:0x1000", "0:010", "1:-1", "4294967295:9223372036854775807"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := decode.ParsePosition(text)
		if err != nil {
			return
		}
		again, err := decode.ParsePosition(p.String())
		if err != nil || again != p || p.Offset < 0 {
			t.Errorf("%q is %v, and that is %v, %v", text, p, again, err)
		}
	})
}

package decode

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
)

func TestParseInteger(t *testing.T) {
	tests := []struct {
		text      string
		n         int64
		canonical bool
		ok        bool
	}{
		{"0", 0, true, true},
		{"-1", -1, true, true},
		{"9223372036854775807", math.MaxInt64, true, true},
		{"9223372036854775808", math.MaxInt64, false, true},
		{"-9223372036854775808", math.MinInt64, true, true},
		{"-9223372036854775809", math.MinInt64, false, true},
		{"18446744073709551616", math.MaxInt64, false, true},
		{"-99999999999999999999999999", math.MinInt64, false, true},
		{"+1", 1, false, true},
		{"-0", 0, false, true},
		{"010", 10, false, true},
		{"00", 0, false, true},
		{"", 0, false, false},
		{"-", 0, false, false},
		{"+", 0, false, false},
		{"--1", 0, false, false},
		{" 1", 0, false, false},
		{"1 ", 0, false, false},
		{"1.0", 0, false, false},
		{"1:", 0, false, false},
		{"1/", 0, false, false},
		{"99999999999999999999x", 0, false, false},
	}
	for _, test := range tests {
		n, canonical, ok := parseInteger([]byte(test.text))
		if n != test.n || canonical != test.canonical || ok != test.ok {
			t.Errorf("%q: %d, %v, %v", test.text, n, canonical, ok)
		}
	}
}

// TestParseIntegerCanonical checks the promise that makes times come back.
func TestParseIntegerCanonical(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 1000 {
		want := int64(r.Uint64()) >> r.IntN(64)
		n, canonical, ok := parseInteger(strconv.AppendInt(nil, want, 10))
		if n != want || !canonical || !ok {
			t.Fatalf("%d: %d, %v, %v", want, n, canonical, ok)
		}
	}
}

func TestIsNumber(t *testing.T) {
	for _, text := range []string{
		"0", "-1", "+1", "1.5", ".5", "5.", "1e5", "1E-5", "1e+5", "-.5e0", "inf", "-INF", "+Infinity", "0x1F", "0X.8p-3",
		"0.10000000000000001", "123456789012345678901234567890",
	} {
		if !isNumber([]byte(text)) {
			t.Errorf("%q is not taken", text)
		}
	}
	for _, text := range []string{
		"", "-", "+", ".", "-.", "e5", "1e", "1e+", "1.5.5", "1 ", " 1", "nan", "infi", "--1", "0x", "0x.", "0xg", "1x", "1e5.5",
		"1\x00", "\xb2", "one", "0x1p", "1p3",
	} {
		if isNumber([]byte(text)) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestIsEntryID(t *testing.T) {
	for _, text := range []string{"0", "1-1", "1795360711391-0", "5-*", "*", "18446744073709551616-0"} {
		if !isEntryID([]byte(text)) {
			t.Errorf("%q is not taken", text)
		}
	}
	for _, text := range []string{"", "-", "1-", "-1", "1-1-1", "**", "1-**", "1*", "1-x", "x", "+", "1-1\x00"} {
		if isEntryID([]byte(text)) {
			t.Errorf("%q is taken", text)
		}
	}
}

func TestMulClamped(t *testing.T) {
	tests := []struct {
		n, factor, want int64
		fits            bool
	}{
		{5, 1000, 5000, true},
		{math.MaxInt64 / 1000, 1000, math.MaxInt64 / 1000 * 1000, true},
		{math.MaxInt64/1000 + 1, 1000, math.MaxInt64, false},
		{math.MinInt64 / 1000, 1000, math.MinInt64 / 1000 * 1000, true},
		{math.MinInt64/1000 - 1, 1000, math.MinInt64, false},
		{math.MinInt64, 1, math.MinInt64, true},
	}
	for _, test := range tests {
		if got, fits := mulClamped(test.n, test.factor); got != test.want || fits != test.fits {
			t.Errorf("%d * %d: %d, %v", test.n, test.factor, got, fits)
		}
	}
}

func TestAddClamped(t *testing.T) {
	tests := []struct {
		a, b, want int64
		fits       bool
	}{
		{1, 2, 3, true},
		{math.MaxInt64, 1, math.MaxInt64, false},
		{math.MinInt64, -1, math.MinInt64, false},
		{math.MaxInt64, math.MinInt64, -1, true},
		{math.MaxInt64 - 1, 1, math.MaxInt64, true},
	}
	for _, test := range tests {
		if got, fits := addClamped(test.a, test.b); got != test.want || fits != test.fits {
			t.Errorf("%d + %d: %d, %v", test.a, test.b, got, fits)
		}
	}
}

// TestParseIntegerRejectsEveryOtherByte puts every byte into every place of a time.
func TestParseIntegerRejectsEveryOtherByte(t *testing.T) {
	for place := 1; place < 10; place++ {
		for ch := range 256 {
			text := []byte("1795364538")
			text[place] = byte(ch)
			want, err := strconv.ParseInt(string(text), 10, 64)
			n, _, ok := parseInteger(text)
			if ok != (err == nil) || ok && n != want {
				t.Errorf("%q: %d, %v", text, n, ok)
			}
		}
	}
}

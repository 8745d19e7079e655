package jsonl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// escapers are those that this machine can run.
func escapers() []escaper {
	var list []escaper
	for e := portableEscaper; e <= bestEscaper; e++ {
		list = append(list, e)
	}
	return list
}

// referenceEscape is the definition: one byte at a time.
func referenceEscape(v []byte) string {
	var b strings.Builder
	for _, c := range v {
		switch i := strings.IndexByte("\"\\\b\f\n\r\t", c); {
		case i >= 0:
			b.WriteString(`\` + `"\bfnrt`[i:i+1])
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// checkEscape compares each escaper with the definition, and that with encoding/json.
func checkEscape(t *testing.T, v []byte) {
	t.Helper()
	want := referenceEscape(v)
	valid := utf8.Valid(v)
	if valid {
		var back string
		if err := json.Unmarshal([]byte(`"`+want+`"`), &back); err != nil || back != string(v) {
			t.Fatalf("%q is read as %q, error %v", want, back, err)
		}
	}
	for _, esc := range escapers() {
		got, ok := appendEscaped([]byte("before"), v, esc)
		if ok != valid {
			t.Fatalf("escaper %d: valid is %v for %.300q", esc, ok, v)
		}
		if ok && string(got) != "before"+want {
			t.Fatalf("escaper %d:\n got %.300q\nwant %.300q", esc, got, "before"+want)
		}
		checkEscaper(t, esc, v)
	}
	clean := want == string(v) && bytes.IndexFunc(v, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	if got := putClean(make([]byte, len(v)+8), v); got != clean {
		t.Fatalf("putClean(%.300q) = %v", v, got)
	}
	if len(v) <= shortText {
		checkCopyClean(t, v, clean)
	}
}

// checkCopyClean lets each escaper copy a short text, with bytes to be escaped right after it.
func checkCopyClean(t *testing.T, v []byte, clean bool) {
	t.Helper()
	src := append(slices.Clone(v), bytes.Repeat([]byte{'"'}, 128)...)[:len(v)]
	for _, esc := range escapers() {
		room := shortText + 64
		dst := bytes.Repeat([]byte{0xa5}, room+64)
		if got := esc.copyClean(dst[:room], src); got != clean {
			t.Fatalf("escaper %d: copyClean(%.300q) = %v", esc, v, got)
		}
		if clean && !bytes.Equal(dst[:len(v)], v) {
			t.Fatalf("escaper %d copied %.300q as %.300q", esc, v, dst[:len(v)])
		}
		if !bytes.Equal(dst[room:], bytes.Repeat([]byte{0xa5}, 64)) {
			t.Fatalf("escaper %d wrote past its room", esc)
		}
	}
}

// checkEscaper calls an escaper once and looks for stores beyond the room it was given.
func checkEscaper(t *testing.T, esc escaper, v []byte) {
	t.Helper()
	const guard = 128
	room := escapeRoom(len(v))
	dst := bytes.Repeat([]byte{0xa5}, room+guard)
	src := append(slices.Clone(v), bytes.Repeat([]byte{'"'}, guard)...)[:len(v)]
	read, written, high := esc.escape(dst[:room], src)
	if want := referenceEscape(v[:read]); string(dst[:written]) != want {
		t.Fatalf("escaper %d, %d bytes read:\n got %.300q\nwant %.300q", esc, read, dst[:written], want)
	}
	if read < len(v) && shortEscapes[v[read]] != rareEscape {
		t.Fatalf("escaper %d stopped at %q, byte %d of %.300q", esc, v[read], read, v)
	}
	if !isASCII(v[:read]) && high < utf8.RuneSelf {
		t.Fatalf("escaper %d takes %.300q for ASCII", esc, v[:read])
	}
	if !bytes.Equal(dst[room:], bytes.Repeat([]byte{0xa5}, guard)) {
		t.Fatalf("escaper %d wrote past its room", esc)
	}
}

func isASCII(v []byte) bool {
	return !slices.ContainsFunc(v, func(b byte) bool { return b >= utf8.RuneSelf })
}

// TestEscapeEveryByteEverywhere puts each byte at each place of texts about the lengths of a step.
func TestEscapeEveryByteEverywhere(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7, 8, 9, 16, 17, 33, 40, 64, 65} {
		for at := range n {
			for b := range 256 {
				v := bytes.Repeat([]byte("x"), n)
				v[at] = byte(b)
				checkEscape(t, v)
			}
		}
	}
}

// TestCopyCleanEveryLength has clean texts of each length, and each with a quote in one place.
func TestCopyCleanEveryLength(t *testing.T) {
	for n := range shortText + 1 {
		v := bytes.Repeat([]byte("x"), n)
		checkCopyClean(t, v, true)
		for at := range n {
			v[at] = '"'
			checkCopyClean(t, v, false)
			v[at] = 'x'
		}
	}
}

// TestEscapeEveryMask runs through all sets of escaped bytes among sixteen.
func TestEscapeEveryMask(t *testing.T) {
	dst := make([]byte, 0, 4096)
	for mask := range 1 << 16 {
		var v, want []byte
		for i := range 16 {
			b := byte('a' + i)
			if mask>>i&1 != 0 {
				b = "\"\\\n\t"[i%4]
				want = append(want, '\\', `"\nt`[i%4])
			} else {
				want = append(want, b)
			}
			v = append(v, b)
		}
		for _, esc := range escapers() {
			if got, _ := appendEscaped(dst[:0], v, esc); !bytes.Equal(got, want) {
				t.Fatalf("escaper %d: got %q, want %q", esc, got, want)
			}
		}
	}
}

func TestEscapeAcrossBlocks(t *testing.T) {
	for _, at := range []int{escapeBlock - 1, escapeBlock, escapeBlock + 1} {
		for _, s := range []string{`"`, "\x01", "\u4e16", "\xff", "\\\x00\n"} {
			v := bytes.Repeat([]byte("x"), 2*escapeBlock+5)
			copy(v[at:], s)
			checkEscape(t, v)
		}
	}
}

func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "plain", `"\`, "\x00\x1f", "\u4e16\xff", strings.Repeat("0123456\"", 20), strings.Repeat("\n\x7f", 40)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, v []byte) { checkEscape(t, v) })
}

// BenchmarkEscape is the escapers alone: text with a quote about every seven bytes, and clean text.
func BenchmarkEscape(b *testing.B) {
	texts := map[string][]byte{"json": bytes.Repeat([]byte(`{"id":12345,"name":"someone"}, `), 33), "clean": bytes.Repeat([]byte("x"), 1<<10)}
	for name, text := range texts {
		for _, esc := range escapers() {
			b.Run(fmt.Sprintf("%s/%d", name, esc), func(b *testing.B) {
				var dst []byte
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					dst, _ = appendEscaped(dst[:0], text, esc)
				}
			})
		}
	}
}

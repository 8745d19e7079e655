package console

import "testing"

func TestFitting(t *testing.T) {
	for name, c := range map[string]struct {
		line  string
		width int
		want  string
	}{
		"width not known":    {"a long line", 0, "a long line"},
		"room to spare":      {"line", 80, "line"},
		"one too long":       {"line", 4, "lin"},
		"just fits":          {"line", 5, "line"},
		"not ASCII":          {"\u00e4\u00f6\u00fc\u00df", 4, "\u00e4\u00f6\u00fc"},
		"control codes":      {"a\x1b[2J\nb", 80, "a [2J b"},
		"no terminal at all": {"", 1, ""},
	} {
		if got := fitting(c.line, c.width); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}

package help

import (
	"regexp"
	"strings"
	"testing"
)

// TestColour marks what begins a line and takes nothing from the page.
func TestColour(t *testing.T) {
	const page = `Usage: pikabin convert <source> ... [flags]

Read what is: committed.

    PIKABIN_X=1 pikabin convert /log --db db0

Arguments:
  <source> ...    Log folders: and files.
                  --db no flag here

Every command:
  -q, --quiet            Less.
      --state=FILE       Keep.
  verify-output          Read back.
  state
`
	got := colour(page)
	if plain := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(got, ""); plain != page {
		t.Errorf("the text is another one:\n%s", plain)
	}
	var marked []string
	for _, m := range regexp.MustCompile("\x1b\\[[0-9]+m([^\x1b]+)\x1b").FindAllStringSubmatch(got, -1) {
		marked = append(marked, strings.TrimSpace(m[1]))
	}
	want := "Usage:|PIKABIN_X=1 pikabin convert /log --db db0|Arguments:|<source> ...|Every command:|-q, --quiet|--state=FILE|verify-output|state"
	if strings.Join(marked, "|") != want {
		t.Errorf("marked is %q", marked)
	}
}

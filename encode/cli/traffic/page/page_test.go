package page_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pikabin/encode/cli/traffic"
	"pikabin/encode/cli/traffic/page"
)

// summary is one with something of everything, and names that somebody may have chosen to break a page.
func summary() *traffic.Summary {
	first, last := int64(1000), int64(4000)
	bad := `</title><script>alert(1)</script>"'`
	one := traffic.Count{Events: 1, Bytes: 10}
	event := traffic.Event{DB: "db0", Segment: 1, Offset: 2, TS: &last, Cmd: bad, Key: bad, Bytes: 7}
	return &traffic.Summary{
		Count: traffic.Count{Events: 7, Bytes: 70}, First: &first, Last: &last, Step: 60, Untimed: one,
		Timeline: []traffic.Step{{TS: 960, Count: one}, {TS: 3960, Count: traffic.Count{Events: 5, Bytes: 50}}},
		DBs:      []traffic.Named{{Name: bad, Count: one}}, Commands: []traffic.Named{{Name: bad, Count: one}}, Types: []traffic.Named{{Count: one}},
		Keys:      traffic.Frequent{Top: []traffic.Frequency{{DB: "db0", Text: bad, Count: one}}},
		Prefixes:  traffic.Frequent{Under: 99, Top: []traffic.Frequency{{Text: bad, Count: one}}},
		Values:    []traffic.Event{event},
		Flushes:   traffic.Flushes{Events: 3, Last: []traffic.Event{event}},
		Deadlines: traffic.Deadlines{Given: 2, Shortest: &first, Longest: &last, Spans: []traffic.Span{{From: 1, Below: 60000, Events: 2}}},
	}
}

// made is the page of a summary.
func made(t *testing.T, s *traffic.Summary) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Write(&b, s, page.Options{Sources: `/data/<log>`, Version: "1", Zone: time.UTC}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// elements counts the elements of a page by name, and fails where they are not nested as they should be.
func elements(t *testing.T, text string) map[string]int {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(text))
	d.Strict, d.AutoClose, d.Entity = false, []string{"meta"}, xml.HTMLEntity
	found := map[string]int{}
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		if start, ok := token.(xml.StartElement); ok {
			found[start.Name.Local]++
			if start.Name.Local == "title" && found["rect"] == 0 && found["title"] > 1 {
				t.Error("a name has ended the title")
			}
		}
	}
}

// TestPage draws a bar for each step with events in both charts, and a mark for each flush, and lets no name become a part of the page.
func TestPage(t *testing.T) {
	text := made(t, summary())
	found := elements(t, text)
	if found["script"]+found["img"]+found["link"]+found["iframe"] > 0 {
		t.Errorf("the page has %v", found)
	}
	if found["svg"] != 2 || found["rect"] != 2*2 || strings.Count(text, `class="mark"`) != 2 {
		t.Errorf("%d charts with %d bars and %d marks", found["svg"], found["rect"], strings.Count(text, `class="mark"`))
	}
	for _, want := range []string{"1970-01-01 00:16:40 +0000", "none came more than 100 times", "This is not all", "the last 1 of 3", "/data/&lt;log&gt;"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

// TestEmptyPage is of a log without an event.
func TestEmptyPage(t *testing.T) {
	text := made(t, &traffic.Summary{Step: 60, Complete: true})
	if found := elements(t, text); found["svg"] > 0 || strings.Contains(text, "This is not all") {
		t.Errorf("the page has %v", found)
	}
}

package saved_test

import (
	"strings"
	"testing"
	"time"

	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/saved"
)

// TestDate: a state that several hosts share says how old it is, unless it does not say when it was saved. A clock that is ahead makes it no younger than new.
func TestDate(t *testing.T) {
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		run  *checkpoint.Run
		want string
	}{
		"of one host":      {nil, ""},
		"without a time":   {&checkpoint.Run{Term: 2, Holder: "a/1"}, ""},
		"saved":            {&checkpoint.Run{Term: 2, Holder: "a/1", Saved: now.Add(-90 * time.Second)}, "1m30s ago"},
		"by a clock ahead": {&checkpoint.Run{Term: 2, Holder: "a/1", Saved: now.Add(time.Hour)}, "0s ago"},
	} {
		r := saved.Report{State: &checkpoint.State{Run: c.run}}
		r.Date(now)
		var table strings.Builder
		if err := r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		text := table.String()
		if (r.Age != nil) != (c.want != "") || !strings.Contains(text, c.want) || c.want == "" && strings.Contains(text, "ago") {
			t.Errorf("%s: %v\n%s", name, r.Age, text)
		}
	}
}

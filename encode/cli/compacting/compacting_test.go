package compacting_test

import (
	"io"
	"testing"

	"pikabin/encode/cli/compacting"
	"pikabin/encode/compact"
)

// TestString: the end says what was done, what would be, and that there was nothing to do.
func TestString(t *testing.T) {
	for want, tally := range map[string]*compacting.Tally{
		"1 of 1 partitions merged: 2 parts to 1":                 {},
		"1 of 1 partitions would be merged: 2 parts to 1":        {DryRun: true},
		"1 of 1 partitions copied: 2 parts to 1 object":          {Copies: true},
		"1 of 1 partitions would be copied: 2 parts to 1 object": {Copies: true, DryRun: true},
	} {
		none := "no partition has parts to merge"
		if tally.Copies {
			none = "no partition has parts to copy"
		}
		if got := tally.String(); got != none {
			t.Errorf("got %q, want %q", got, none)
		}
		tally.Out = io.Discard
		if err := tally.Tell(&compact.Outcome{Dir: "hr=1", Parts: 2, Merged: 1}); err != nil {
			t.Fatal(err)
		}
		if got := tally.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

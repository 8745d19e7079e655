package cli_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/binlogtest"
	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/cli"
)

// TestHistoryIsComplete counts what is told of keys of every fixture: a line for each event that JSON lines have of the key.
func TestHistoryIsComplete(t *testing.T) {
	eachFolder(t, func(t *testing.T, _ binlogtest.Fixture, from string) {
		t.Helper()
		counts := eventsByKey(t, convert(t, from))
		for _, key := range sample.Spread(slices.Sorted(maps.Keys(counts)), 3) {
			var stdout, stderr bytes.Buffer
			if code := cli.Run([]string{"history", "-q", from, "--", key}, &stdout, &stderr, ""); code != 0 {
				t.Fatalf("%s: exit code %d: %s", key, code, stderr.String())
			}
			got := 0
			for line := range strings.Lines(stdout.String()) {
				if !strings.Contains(line, "its deadline passed") && !strings.Contains(line, " deleted that match ") && !strings.Contains(line, "all keys of ") {
					got++
				}
			}
			if got != counts[key] {
				t.Errorf("%q: %d lines, want %d:\n%s", key, got, counts[key], stdout.String())
			}
		}
	})
}

// eventsByKey counts the events of each key that is text.
func eventsByKey(t *testing.T, lines []byte) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for line := range bytes.Lines(lines) {
		var e struct{ Key string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Key != "" {
			counts[e.Key]++
		}
	}
	return counts
}

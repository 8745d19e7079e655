package flags

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestNames: what names and bytes of an output depend on is kept in a state that several hosts share, and nothing else is.
func TestNames(t *testing.T) {
	f := StreamFlags{SettingFlags: NewSettingFlags()}
	f.Bytes, f.Key, f.NamedOnly, f.Limit, f.ExcludeOp, f.Workers = "auto", []string{"user:*"}, true, 7, []string{}, 3
	want := map[string]string{"bytes": "auto", "key": "[user:*]", "named-only": "true"}
	if diff := cmp.Diff(want, f.names()); diff != "" {
		t.Error(diff)
	}
	for field, want := range map[string]string{"KeyRegex": "key-regex", "ExcludeCommand": "exclude-command", "Op": "op"} {
		if got := dashed(field); got != want {
			t.Errorf("%s is --%s, want --%s", field, got, want)
		}
	}
}

package cli

import (
	"slices"
	"testing"
)

// TestFlagsAreInGroups: the commands with many flags show them in groups, so that a flag is found in their help.
func TestFlagsAreInGroups(t *testing.T) {
	model := newParser(&globalFlags{}, nil, "").Model
	for _, command := range model.Children {
		if !slices.Contains([]string{"convert", "tail", "redis"}, command.Name) {
			continue
		}
		for _, flag := range command.Flags {
			if flag.Group == nil {
				t.Errorf("%s: --%s is in no group", command.Name, flag.Name)
			}
		}
	}
}

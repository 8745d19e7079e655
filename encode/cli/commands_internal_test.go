package cli

import (
	"slices"
	"testing"

	"github.com/alecthomas/kong"
)

// TestCommandsThatAreNotNamed: the parser of a line has every command, and the flags of those that the line names.
func TestCommandsThatAreNotNamed(t *testing.T) {
	all := newParser(&globalFlags{}, []string{"--help"}, "").Model.Children
	names := func(c *kong.Node) (names []string) {
		for _, flag := range c.Flags {
			names = append(names, flag.Name)
		}
		return names
	}
	for _, one := range commands {
		for i, c := range newParser(&globalFlags{}, []string{"-q", one.name, "x"}, "").Model.Children {
			want := names(all[i])
			if c.Name != one.name {
				want = nil
			}
			if c.Name != all[i].Name || c.Help != all[i].Help || !slices.Equal(names(c), want) {
				t.Errorf("%s: %s has the flags %q, want %q", one.name, c.Name, names(c), want)
			}
		}
	}
}

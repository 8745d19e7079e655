package cli

import (
	"slices"
	"strings"
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

// TestNothingIsProvided: releases are built with scripts/patches/kong.patch, which leaves out kong's lookup of methods whose names begin with Provide.
func TestNothingIsProvided(t *testing.T) {
	err := kong.Visit(wholeModel().Node, func(node kong.Visitable, next kong.Next) error {
		if n, ok := node.(*kong.Node); ok && n.Target.IsValid() {
			for method := range n.Target.Addr().Type().Methods() {
				if strings.HasPrefix(method.Name, "Provide") {
					t.Errorf("%s: %s is not called in releases: give its value to kong.Bind", n.FullPath(), method.Name)
				}
			}
		}
		return next(nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

package cli

import (
	"encoding/json"
	"fmt"

	"pikabin/encode/cli/shell"
)

// versionCommand says which program this is.
type versionCommand struct {
	JSON bool `name:"json" help:"For programs."`
}

// Help is shown by version --help.
func (*versionCommand) Help() string {
	return `Example:

  pikabin version --json | jq -r .version`
}

// Run prints it.
func (c *versionCommand) Run(s *shell.Streams) error {
	if c.JSON {
		return json.NewEncoder(s.Stdout).Encode(s.Program)
	}
	_, err := fmt.Fprintln(s.Stdout, s.Program)
	return err
}

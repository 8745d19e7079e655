package cli

import (
	"encoding/json"
	"fmt"
)

// versionCommand says which program this is.
type versionCommand struct {
	JSON bool `name:"json" help:"For programs."`
}

// Run prints it.
func (c *versionCommand) Run(s *streams) error {
	if c.JSON {
		return json.NewEncoder(s.stdout).Encode(s.program)
	}
	_, err := fmt.Fprintln(s.stdout, s.program)
	return err
}

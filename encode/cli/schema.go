package cli

import (
	"fmt"
	"io"
)

// schemaCommand prints what a format's readers need.
type schemaCommand struct {
	Format string `arg:"" help:"Name of a format: ${formats}."`
}

// Run prints the schema.
func (c *schemaCommand) Run(s *streams) error {
	format, err := lookupFormat(c.Format)
	if err != nil {
		return err
	}
	if format.Schema == "" {
		return fmt.Errorf("%s has no schema", c.Format)
	}
	_, err = io.WriteString(s.stdout, format.Schema)
	return err
}

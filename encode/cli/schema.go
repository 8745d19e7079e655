package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"pikabin/encode/cli/exit"
	"pikabin/encode/cli/flags"
	"pikabin/encode/cli/shell"
	"pikabin/encode/frame"
	"pikabin/formats"
	"pikabin/formats/ddl"
)

// schemaCommand prints what a format's readers need, or the statements that make a table of its files.
type schemaCommand struct {
	Format     string `arg:"" help:"Name of a format: ${formats}; or of an engine that reads tables of folders with --partition hive: clickhouse, duckdb, hive, spark, trino."`
	Table      string `placeholder:"NAME" help:"For an engine: the name of the table."`
	Location   string `placeholder:"URL" help:"For an engine: where it finds the folder that was written with --partition hive."`
	Files      string `name:"format" short:"f" default:"parquet" help:"For an engine: the format of the files: parquet, avro, jsonl or csv."`
	Compress   string `placeholder:"NAME[:LEVEL]" help:"For an engine: how files of JSON lines or CSV were compressed: zstd, gzip or none."`
	Timestamps bool   `help:"For an engine: the files were written with --timestamps."`
	Current    bool   `help:"For an engine: instead of the table, the view NAME_current of what its keys hold."`
}

// Help is shown by schema --help.
func (*schemaCommand) Help() string {
	return `Examples:

  pikabin schema jsonl
  pikabin schema hive --table pika.changes --location hdfs://warehouse/changes/
  pikabin schema duckdb --table changes --location /data/changes/ | duckdb changes.db
  pikabin schema spark --table changes --location s3a://bucket/changes/ -f jsonl
  pikabin schema duckdb --table changes --current | duckdb changes.db`
}

// Run prints the schema.
func (c *schemaCommand) Run(s *shell.Streams) error {
	text, err := c.text()
	if err != nil {
		return exit.Misuse(err)
	}
	if text == "" {
		return fmt.Errorf("%s has no schema", c.Format)
	}
	_, err = io.WriteString(s.Stdout, text)
	return err
}

// text is what to print, nothing for a format without a schema.
func (c *schemaCommand) text() (string, error) {
	if slices.Contains(ddl.Engines, c.Format) {
		return c.statements()
	}
	format, err := flags.LookupFormat(c.Format)
	if err != nil {
		return "", err
	}
	if c.Table != "" || c.Location != "" || c.Current {
		return "", errors.New("--table, --location and --current are for engines, and not for the schema of a format")
	}
	return format.Schema, nil
}

// statements are for an engine.
func (c *schemaCommand) statements() (string, error) {
	table := ddl.Table{Engine: c.Format, Name: c.Table, Location: c.Location, Format: c.Files, Timestamps: c.Timestamps}
	if format, _ := formats.Lookup(c.Files); len(format.Codecs) == 0 { // the others are compressed inside
		compression, err := frame.Parse(cmp.Or(c.Compress, "none"))
		if err != nil {
			return "", fmt.Errorf("--compress: %w", err)
		}
		table.Suffix = compression.Ext()
	}
	if c.Current {
		return table.Current()
	}
	return table.SQL()
}

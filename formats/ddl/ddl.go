// Package ddl prints the statements that make a table of the files in a folder with --partition hive, for the engines that read such tables. All names are
// quoted: end, offset, from and others are words of SQL.
package ddl

import (
	"fmt"
	"slices"
	"strings"
)

// Table is what a statement is for.
type Table struct {
	Engine     string // one of Engines
	Name       string
	Location   string // a folder or a URL
	Format     string // parquet, avro, jsonl or csv
	Suffix     string // of files that are compressed as a whole, such as .zst
	Timestamps bool   // with the column time
}

// Engines are those that there are statements for, sorted.
var Engines = []string{"clickhouse", "duckdb", "hive", "spark", "trino"}

// kind is what a column holds.
type kind uint8

const (
	long kind = iota
	text
	binary
	elements
	args
	timestamp
	textElements // where bytes are text, or text in base64 of another name
	textArgs
)

type column struct {
	name string
	kind kind
}

// columns are those of the files, but for db and time.
var columns = []column{
	{"slot", long},
	{"segment", long},
	{"offset", long},
	{"end", long},
	{"part", long},
	{"parts", long},
	{"logic_id", long},
	{"term", long},
	{"server_id", long},
	{"ts", long},
	{"op", text},
	{"type", text},
	{"cmd", text},
	{"key", binary},
	{"value", binary},
	{"elements", elements},
	{"entry_id", text},
	{"delta", text},
	{"epoch", long},
	{"expire_at_ms", long},
	{"expire_precision", text},
	{"effect", text},
	{"args", args},
	{"scope", text},
	{"from", text},
	{"to", text},
	{"reason", text},
}

// partitions are the folders, from the outer one to the inner.
var partitions = []string{"db", "dt", "hr"}

// Columns are the names of the columns in the files, in their order.
func (t *Table) Columns() []string {
	var names []string
	for _, c := range t.columns() {
		names = append(names, c.name)
	}
	return names
}

func (t *Table) columns() []column {
	if t.isText() {
		return t.textColumns()
	}
	if !t.Timestamps {
		return columns
	}
	after := slices.Index(columns, column{"ts", long}) + 1
	return slices.Insert(slices.Clone(columns), after, column{"time", timestamp})
}

// SQL gives the statements.
func (t *Table) SQL() (string, error) {
	if t.Name == "" || t.Location == "" {
		return "", fmt.Errorf("the statements for %s need --table NAME and --location URL, where the folder with the partitions is", t.Engine)
	}
	if err := t.check(); err != nil {
		return "", err
	}
	return t.statements(), nil
}

// statements are for an engine that reads the files.
func (t *Table) statements() string {
	switch text := t.isText(); {
	case t.Engine == "spark" && text:
		return t.sparkText()
	case t.Engine == "duckdb" && text:
		return t.duckdbText()
	case t.Engine == "clickhouse" && text:
		return t.clickhouseText()
	case t.Engine == "duckdb":
		return t.duckdb()
	case t.Engine == "clickhouse":
		return t.clickhouse()
	case t.Engine == "trino":
		return t.trino()
	}
	return t.hive() // Spark takes these, too
}

// engines are those that read a format.
var engines = map[string][]string{
	"parquet": Engines,
	"avro":    {"hive", "spark", "trino"},
	"jsonl":   Engines,
	"csv":     {"clickhouse", "duckdb"}, // the others take columns by their places, or cut values at line ends
}

// check refuses what an engine cannot read.
func (t *Table) check() error {
	able, ok := engines[t.Format]
	switch {
	case !ok:
		return fmt.Errorf("there is no statement for files of %s: give -f parquet, avro, jsonl or csv", t.Format)
	case !slices.Contains(Engines, t.Engine):
		return unknownEngine(t.Engine)
	case !slices.Contains(able, t.Engine):
		return fmt.Errorf("there is no statement for files of %s and %s: give -f parquet or -f jsonl", t.Format, t.Engine)
	case t.isText() && t.Timestamps:
		return fmt.Errorf("files of %s have no column time: --timestamps is for -f parquet", t.Format)
	case t.Engine == "clickhouse" && strings.ContainsAny(t.Location, "*?{}"):
		return fmt.Errorf("ClickHouse takes *, ?, { and } in %s for a pattern, and has no way to write them as they are: give a link to the folder, or rename it", t.Location)
	}
	return nil
}

func unknownEngine(name string) error {
	return fmt.Errorf("%q is no engine: expected one of %s", name, strings.Join(Engines, ", "))
}

var hiveTypes = map[kind]string{
	long: "BIGINT", text: "STRING", binary: "BINARY", args: "ARRAY<BINARY>", timestamp: "TIMESTAMP",
	elements: "ARRAY<STRUCT<`field`: BINARY, `value`: BINARY, `score`: STRING>>",
	textArgs: "ARRAY<STRING>", textElements: "ARRAY<STRUCT<`field`: STRING, `field_b64`: STRING, `value`: STRING, `value_b64`: STRING, `score`: STRING>>",
}

// stored says how Hive reads the files.
func (t *Table) stored() string {
	if t.isText() {
		return "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.JsonSerDe'\nSTORED AS TEXTFILE"
	}
	return "STORED AS " + strings.ToUpper(t.Format)
}

// hive is for Hive and for Spark with a metastore.
func (t *Table) hive() string {
	name := quote(t.Name, "`")
	return fmt.Sprintf("CREATE EXTERNAL TABLE %s (\n%s\n)\nPARTITIONED BY (%s)\n%s\nLOCATION %s;\n\n-- once there are new partitions:\nMSCK REPAIR TABLE %s;\n",
		name, t.list(hiveTypes, "`"), list(partitions, "`", " STRING"), t.stored(), literal(t.Location, `\'`), name)
}

func (t *Table) duckdb() string {
	return fmt.Sprintf("CREATE VIEW %s AS\nSELECT * FROM read_parquet(%s, hive_partitioning = true,\n  hive_types = {'db': VARCHAR, 'dt': DATE, 'hr': VARCHAR});\n",
		quote(t.Name, `"`), literal(t.glob(), "''"))
}

// clickhouse reads what is on the server's disk below its user_files, or a bucket.
func (t *Table) clickhouse() string {
	return fmt.Sprintf("CREATE VIEW %s AS\nSELECT * FROM %s(%s, 'Parquet')\nSETTINGS use_hive_partitioning = 1;\n", quote(t.Name, "`"), t.clickhouseFunction(), literal(t.glob(), `\'`))
}

// clickhouseFunction is what reads files there.
func (t *Table) clickhouseFunction() string {
	if isURL(t.Location) {
		return "s3"
	}
	return "file"
}

// trino is for its connector of Hive. The columns of partitions come last.
func (t *Table) trino() string {
	types := map[kind]string{
		long: "BIGINT", text: "VARCHAR", binary: "VARBINARY", args: "ARRAY(VARBINARY)", timestamp: "TIMESTAMP(6)",
		elements: `ARRAY(ROW("field" VARBINARY, "value" VARBINARY, "score" VARCHAR))`,
		textArgs: "ARRAY(VARCHAR)", textElements: `ARRAY(ROW("field" VARCHAR, "field_b64" VARCHAR, "value" VARCHAR, "value_b64" VARCHAR, "score" VARCHAR))`,
	}
	return fmt.Sprintf("CREATE TABLE %s (\n%s,\n  %s\n)\nWITH (format = '%s', external_location = %s, partitioned_by = ARRAY['db', 'dt', 'hr']);\n\n"+
		"-- once there are new partitions:\nCALL system.sync_partition_metadata(CURRENT_SCHEMA, %s, 'ADD');\n",
		quote(t.Name, `"`), t.list(types, `"`), list(partitions, `"`, " VARCHAR"), strings.ToUpper(strings.TrimSuffix(t.Format, "l")), literal(t.Location, "''"), literal(t.Name, "''"))
}

// list is a line for each column.
func (t *Table) list(types map[kind]string, mark string) string {
	var lines []string
	for _, c := range t.columns() {
		lines = append(lines, "  "+quote(c.name, mark)+" "+types[c.kind])
	}
	return strings.Join(lines, ",\n")
}

func list(names []string, mark, after string) string {
	var quoted []string
	for _, name := range names {
		quoted = append(quoted, quote(name, mark)+after)
	}
	return strings.Join(quoted, ", ")
}

// glob is the pattern of the files. Hidden ones do not end like this.
func (t *Table) glob() string {
	location := t.Location
	if t.Engine == "duckdb" {
		location = bracketed(location)
	}
	return strings.TrimSuffix(location, "/") + "/**/*." + t.Format + t.Suffix
}

// bracketed writes the signs of a pattern so that they mean themselves, as DuckDB takes them. The question mark of a URL parts settings from the place.
func bracketed(location string) string {
	signs := []string{"[", "[[]", "*", "[*]", "?", "[?]"}
	if isURL(location) {
		signs = signs[:4]
	}
	return strings.NewReplacer(signs...).Replace(location)
}

func isURL(location string) bool { return strings.Contains(location, "://") }

// quote makes a name of any text; a point parts a schema and a name.
func quote(name, mark string) string {
	parts := strings.Split(name, ".")
	for i, part := range parts {
		parts[i] = mark + strings.ReplaceAll(part, mark, mark+mark) + mark
	}
	return strings.Join(parts, ".")
}

// literal makes a text of SQL, in which a quotation mark is written in a way of the engine.
func literal(s, mark string) string {
	if strings.HasPrefix(mark, `\`) {
		s = strings.ReplaceAll(s, `\`, `\\`)
	}
	return "'" + strings.ReplaceAll(s, "'", mark) + "'"
}

package ddl

import (
	"fmt"
	"strings"
)

// In files of text a field of bytes is two columns: text under its name, or base64 under the name with _b64. The column db is not of the table: the
// folders tell it, which every engine takes for the column of a partition.

func (t *Table) isText() bool { return t.Format == "jsonl" || t.Format == "csv" }

// textColumns are those of JSON lines, and of CSV, where lists are their JSON.
func (t *Table) textColumns() []column {
	var all []column
	for _, c := range columns {
		switch c.kind {
		case binary:
			all = append(all, column{c.name, text}, column{c.name + "_b64", text})
		case args:
			of := t.listOr(textArgs)
			all = append(all, column{c.name, of}, column{c.name + "_b64", of})
		case elements:
			all = append(all, column{c.name, t.listOr(textElements)})
		default:
			all = append(all, c)
		}
	}
	return all
}

func (t *Table) listOr(of kind) kind {
	if t.Format == "csv" {
		return text
	}
	return of
}

// sparkText is for Spark, which reads JSON by its own means with or without a metastore.
func (t *Table) sparkText() string {
	name := quote(t.Name, "`")
	return fmt.Sprintf("CREATE TABLE %s (\n%s,\n  %s\n)\nUSING JSON\nPARTITIONED BY (%s)\nLOCATION %s;\n\n-- once there are new partitions:\nMSCK REPAIR TABLE %s;\n",
		name, t.list(hiveTypes, "`"), list(partitions, "`", " STRING"), list(partitions, "`", ""), literal(t.Location, `\'`), name)
}

func (t *Table) duckdbText() string {
	types := map[kind]string{
		long: "BIGINT", text: "VARCHAR", textArgs: "VARCHAR[]",
		textElements: `STRUCT("field" VARCHAR, "field_b64" VARCHAR, "value" VARCHAR, "value_b64" VARCHAR, "score" VARCHAR)[]`,
	}
	read := "read_json(%s, format = 'newline_delimited'"
	fields := t.columns()
	if t.Format == "csv" {
		read = `read_csv(%s, header = true, delim = ',', quote = '"', escape = '"', nullstr = '', allow_quoted_nulls = false`
		fields = append([]column{{"db", text}}, fields...)
	}
	var lines []string
	for _, c := range fields {
		lines = append(lines, fmt.Sprintf("    '%s': '%s'", c.name, types[c.kind]))
	}
	return fmt.Sprintf("CREATE VIEW %s AS\nSELECT * FROM "+read+", hive_partitioning = true,\n  hive_types = {'db': VARCHAR, 'dt': DATE, 'hr': VARCHAR},\n  columns = {\n%s\n  });\n",
		quote(t.Name, `"`), literal(t.glob(), "''"), strings.Join(lines, ",\n"))
}

func (t *Table) clickhouseText() string {
	types := map[kind]string{
		long: "Nullable(Int64)", text: "Nullable(String)", textArgs: "Array(String)",
		textElements: "Array(Tuple(`field` Nullable(String), `field_b64` Nullable(String), `value` Nullable(String), `value_b64` Nullable(String), `score` Nullable(String)))",
	}
	format := "JSONEachRow"
	if t.Format == "csv" {
		format = "CSVWithNames"
	}
	structure := strings.ReplaceAll(t.list(types, "`"), "\n", "\n  ") + ",\n    `db` String, `dt` Date, `hr` String"
	return fmt.Sprintf("CREATE VIEW %s AS\nSELECT * FROM %s(%s, '%s', '\n  %s')\nSETTINGS use_hive_partitioning = 1, input_format_skip_unknown_fields = 1;\n",
		quote(t.Name, "`"), t.clickhouseFunction(), literal(t.glob(), `\'`), format, structure)
}

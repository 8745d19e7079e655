package ddl

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"text/template"
)

// currentSQL makes the view of the current state, in words that all engines know but for those of dialect. Names are quoted as standard SQL does.
//
//go:embed current.sql
var currentSQL string

var currentTemplate = template.Must(template.New("current").Parse(currentSQL))

// Suffix is what the view of a table's current state has after the table's name.
const Suffix = "_current"

// Current gives the statement of a view of what each key held by the events of a table, so far as they tell. It has the table's name with Suffix.
func (t *Table) Current() (string, error) {
	d, ok := dialects[t.Engine]
	if !ok {
		return "", unknownEngine(t.Engine)
	}
	if t.Name == "" {
		return "", errors.New("the view of the current state needs --table NAME, the table that it is made of")
	}
	d.Table, d.View = "\x00", "\x01" // names may hold what is replaced below
	var b strings.Builder
	if err := currentTemplate.Execute(&b, d); err != nil {
		return "", err
	}
	sql := strings.ReplaceAll(b.String(), `"`, d.mark)
	return strings.NewReplacer("\x00", quote(t.Name, d.mark), "\x01", quote(t.Name+Suffix, d.mark)).Replace(sql), nil
}

// dialect is how an engine says what others say differently. In each pattern %s is the argument.
type dialect struct {
	Table, View string
	mark        string // around names
	First       string // the index of a list's first element
	Now         string // unix milliseconds
	Explode     string // a row for each element of the rows of alive
	binary      string // the type of bytes
	text        string
	long        string // a number of text, where it is one
	size        string // of a list
	last        string // the last value of a window that is not null
	match       string // whether a text, then a pattern of it, match
	hex, unhex  string
	decode      string // text of bytes
	encode      string // bytes of text
	join        string // the texts of a window, then the window
}

func (d dialect) Last(x string) string           { return fmt.Sprintf(d.last, x) }
func (d dialect) Size(x string) string           { return fmt.Sprintf(d.size, x) }
func (d dialect) Match(x, pattern string) string { return fmt.Sprintf(d.match, x, pattern) }
func (d dialect) Hex(x string) string            { return fmt.Sprintf(d.hex, x) }
func (d dialect) Unhex(x string) string          { return fmt.Sprintf(d.unhex, x) }
func (d dialect) Long(x string) string           { return fmt.Sprintf(d.long, x) }
func (d dialect) Text(x string) string           { return fmt.Sprintf("CAST(%s AS %s)", x, d.text) }
func (d dialect) Bytes(x string) string          { return fmt.Sprintf(d.encode, d.Text(x)) }

// Null is a null of a type.
func (d dialect) Null(kind string) string {
	if kind == "BINARY" {
		return fmt.Sprintf("CAST(NULL AS %s)", d.binary)
	}
	return fmt.Sprintf("CAST(NULL AS %s)", d.text)
}

// Number is the number that a text in hexadecimal is, 0 for none.
func (d dialect) Number(x string) string {
	return "coalesce(" + d.Long(fmt.Sprintf(d.decode, d.Unhex(x))) + ", 0)"
}

// Join puts the values of a window together, in hexadecimal.
func (d dialect) Join(before, x, after, window string) string {
	return fmt.Sprintf(d.join, before+d.Hex(x)+after, window)
}

// lateral is Explode of Hive and Spark, which count from 0.
const lateral = "SELECT alive.*, element_index, element.`field` AS element_field, element.`value` AS element_value, element.`score` AS element_score\n" +
	"    FROM alive LATERAL VIEW posexplode(elements) x AS element_index, element WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')"

var dialects = map[string]dialect{
	"hive": {
		mark: "`", First: "0", Now: "unix_timestamp() * 1000", Explode: lateral, binary: "BINARY", text: "STRING", long: "CAST(%s AS BIGINT)",
		size: "size(%s)", last: "last_value(%s, true)", match: "%s RLIKE '%s'", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS STRING)", encode: "CAST(%s AS BINARY)", join: "concat_ws('', collect_list(%s) OVER %s)",
	},
	"spark": {
		mark: "`", First: "0", Now: "unix_timestamp() * 1000", Explode: lateral, binary: "BINARY", text: "STRING", long: "try_cast(%s AS BIGINT)",
		size: "size(%s)", last: "last_value(%s, true)", match: "%s RLIKE '%s'", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS STRING)", encode: "CAST(%s AS BINARY)", join: "concat_ws('', collect_list(%s) OVER %s)",
	},
	"duckdb": {
		mark: `"`, First: "1", Now: "epoch_ms(now())", binary: "BLOB", text: "VARCHAR", long: "TRY_CAST(%s AS BIGINT)",
		Explode: `SELECT * EXCLUDE (element), element."field" AS element_field, element."value" AS element_value, element."score" AS element_score` + "\n" +
			"    FROM (SELECT *, unnest(elements) AS element, generate_subscripts(elements, 1) AS element_index FROM alive WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove'))",
		size: "len(%s)", last: "last_value(%s IGNORE NULLS)", match: "regexp_matches(%s, '%s')", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS VARCHAR)", encode: "encode(%s)", join: "string_agg(%s, '') OVER %s",
	},
	"clickhouse": {
		mark: "`", First: "1", Now: "toUnixTimestamp(now()) * 1000", binary: "Nullable(String)", text: "Nullable(String)", long: "toInt64OrNull(%s)",
		Explode: "SELECT alive.*, element_index, element.1 AS element_field, element.2 AS element_value, element.3 AS element_score\n" +
			"    FROM alive ARRAY JOIN elements AS element, arrayEnumerate(elements) AS element_index WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')",
		size: "length(%s)", last: "anyLast(%s)", match: "match(coalesce(%s, ''), '%s')", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "%s", encode: "%s", join: "arrayStringConcat(groupArray(%s) OVER %s)",
	},
	"trino": {
		mark: `"`, First: "1", Now: "CAST(to_unixtime(now()) * 1000 AS BIGINT)", binary: "VARBINARY", text: "VARCHAR", long: "TRY_CAST(%s AS BIGINT)",
		Explode: `SELECT alive.*, element_index, element_field, element_value, element_score` + "\n" +
			"    FROM alive CROSS JOIN UNNEST(elements) WITH ORDINALITY AS x (element_field, element_value, element_score, element_index) WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')",
		size: "cardinality(%s)", last: "last_value(%s) IGNORE NULLS", match: "regexp_like(%s, '%s')", hex: "to_hex(%s)", unhex: "from_hex(%s)",
		decode: "from_utf8(%s)", encode: "to_utf8(%s)", join: "array_join(array_agg(%s) OVER %s, '')",
	},
}

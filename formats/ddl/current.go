package ddl

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// currentSQL makes the view of the current state, in words that all engines know but for the terms of dialect. Names are quoted as standard SQL does.
//
//go:embed current.sql
var currentSQL string

// Suffix is what the view of a table's current state has after the table's name.
const Suffix = "_current"

// Current gives the statement of a view of what each key held by the events of a table, so far as they tell. It has the table's name with Suffix.
func (t *Table) Current() (string, error) {
	d, ok := dialects[t.Engine]
	if !ok {
		return "", unknownEngine(t.Engine)
	}
	if t.isText() {
		return "", errors.New("the view of the current state is for tables of Parquet or Avro files, where a key is one column")
	}
	if t.Name == "" {
		return "", errors.New("the view of the current state needs --table NAME, the table that it is made of")
	}
	sql := d.fill(currentSQL, "\x00", "\x01") // names may hold what is replaced below
	sql = strings.ReplaceAll(sql, `"`, d.mark)
	return strings.NewReplacer("\x00", quote(t.Name, d.mark), "\x01", quote(t.Name+Suffix, d.mark)).Replace(sql), nil
}

// The numbers that are added up: those of text, of text in hexadecimal, and of scores.
const (
	whole      = "^-?[0-9]{1,15}$"
	wholeHex   = "^(30|(2D)?3[1-9](3[0-9]){0,14})$"
	wholeScore = "^(0|-?[1-9][0-9]{0,14})$"
)

// fill puts the words of an engine where a text has terms, {{NAME}} or {{NAME ARGUMENT}}, the inner ones first. A name that is none stays.
// It does without text/template, which makes the linker keep every method in the program.
func (d *dialect) fill(text, table, view string) string {
	terms := d.terms(table, view)
	term := regexp.MustCompile(`\{\{(\w+) ?([^{}]*)\}\}`)
	for before := ""; before != text; {
		before = text
		text = term.ReplaceAllStringFunc(text, func(found string) string {
			part := term.FindStringSubmatch(found)
			if f, ok := terms[part[1]]; ok {
				return f(part[2])
			}
			return found
		})
	}
	return text
}

// terms gives for each name what stands for it, by its argument.
func (d *dialect) terms(table, view string) map[string]func(string) string {
	word := func(word string) func(string) string { return func(string) string { return word } }
	pattern := func(pattern string) func(string) string {
		return func(x string) string { return fmt.Sprintf(d.match, x, pattern) }
	}
	return map[string]func(string) string{
		"table": word(table), "view": word(view), "first": word(d.first), "now": word(d.now), "explode": word(d.explode),
		"whole": pattern(whole), "wholeHex": pattern(wholeHex), "wholeScore": pattern(wholeScore),
		"last": in(d.last), "size": in(d.size), "hex": in(d.hex), "unhex": in(d.unhex), "long": in(d.long),
		"text": d.asText, "bytes": func(x string) string { return fmt.Sprintf(d.encode, d.asText(x)) }, "null": d.null, "number": d.number, "join": d.joined,
	}
}

// in gives the function that puts its argument into a pattern.
func in(pattern string) func(string) string {
	return func(x string) string { return fmt.Sprintf(pattern, x) }
}

// dialect is how an engine says what others say differently. In each pattern %s is the argument.
type dialect struct {
	mark       string // around names
	first      string // the index of a list's first element
	now        string // unix milliseconds
	explode    string // a row for each element of the rows of alive
	binary     string // the type of bytes
	text       string
	long       string // a number of text, where it is one
	size       string // of a list
	last       string // the last value of a window that is not null
	match      string // whether a text, then a pattern of it, match
	hex, unhex string
	decode     string // text of bytes
	encode     string // bytes of text
	join       string // the texts of a window, then the window
}

func (d *dialect) asText(x string) string { return fmt.Sprintf("CAST(%s AS %s)", x, d.text) }

// null is a null of a type, binary or text.
func (d *dialect) null(kind string) string {
	if kind == "binary" {
		return fmt.Sprintf("CAST(NULL AS %s)", d.binary)
	}
	return d.asText("NULL")
}

// number is the number that a text in hexadecimal is, 0 for none.
func (d *dialect) number(x string) string {
	return "coalesce(" + fmt.Sprintf(d.long, fmt.Sprintf(d.decode, fmt.Sprintf(d.unhex, x))) + ", 0)"
}

// joined puts the texts of a window together, of an argument TEXT OVER WINDOW.
func (d *dialect) joined(x string) string {
	text, window, _ := strings.Cut(x, " OVER ")
	return fmt.Sprintf(d.join, text, window)
}

// lateral is explode of Hive and Spark, which count from 0.
const lateral = "SELECT alive.*, element_index, element.`field` AS element_field, element.`value` AS element_value, element.`score` AS element_score\n" +
	"    FROM alive LATERAL VIEW posexplode(elements) x AS element_index, element WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')"

var dialects = map[string]dialect{
	"hive": {
		mark: "`", first: "0", now: "unix_timestamp() * 1000", explode: lateral, binary: "BINARY", text: "STRING", long: "CAST(%s AS BIGINT)",
		size: "size(%s)", last: "last_value(%s, true)", match: "%s RLIKE '%s'", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS STRING)", encode: "CAST(%s AS BINARY)", join: "concat_ws('', collect_list(%s) OVER %s)",
	},
	"spark": {
		mark: "`", first: "0", now: "unix_timestamp() * 1000", explode: lateral, binary: "BINARY", text: "STRING", long: "try_cast(%s AS BIGINT)",
		size: "size(%s)", last: "last_value(%s, true)", match: "%s RLIKE '%s'", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS STRING)", encode: "CAST(%s AS BINARY)", join: "concat_ws('', collect_list(%s) OVER %s)",
	},
	"duckdb": {
		mark: `"`, first: "1", now: "epoch_ms(now())", binary: "BLOB", text: "VARCHAR", long: "TRY_CAST(%s AS BIGINT)",
		explode: `SELECT * EXCLUDE (element), element."field" AS element_field, element."value" AS element_value, element."score" AS element_score` + "\n" +
			"    FROM (SELECT *, unnest(elements) AS element, generate_subscripts(elements, 1) AS element_index FROM alive WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove'))",
		size: "len(%s)", last: "last_value(%s IGNORE NULLS)", match: "regexp_matches(%s, '%s')", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "CAST(%s AS VARCHAR)", encode: "encode(%s)", join: "string_agg(%s, '') OVER %s",
	},
	"clickhouse": {
		mark: "`", first: "1", now: "toUnixTimestamp(now()) * 1000", binary: "Nullable(String)", text: "Nullable(String)", long: "toInt64OrNull(%s)",
		explode: "SELECT alive.*, element_index, element.1 AS element_field, element.2 AS element_value, element.3 AS element_score\n" +
			"    FROM alive ARRAY JOIN elements AS element, arrayEnumerate(elements) AS element_index WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')",
		size: "length(%s)", last: "anyLast(%s)", match: "match(coalesce(%s, ''), '%s')", hex: "hex(%s)", unhex: "unhex(%s)",
		decode: "%s", encode: "%s", join: "arrayStringConcat(groupArray(%s) OVER %s)",
	},
	"trino": {
		mark: `"`, first: "1", now: "CAST(to_unixtime(now()) * 1000 AS BIGINT)", binary: "VARBINARY", text: "VARCHAR", long: "TRY_CAST(%s AS BIGINT)",
		explode: `SELECT alive.*, element_index, element_field, element_value, element_score` + "\n" +
			"    FROM alive CROSS JOIN UNNEST(elements) WITH ORDINALITY AS x (element_field, element_value, element_score, element_index) WHERE kind IN ('hash', 'set', 'zset') AND op IN ('update', 'remove')",
		size: "cardinality(%s)", last: "last_value(%s) IGNORE NULLS", match: "regexp_like(%s, '%s')", hex: "to_hex(%s)", unhex: "from_hex(%s)",
		decode: "from_utf8(%s)", encode: "to_utf8(%s)", join: "array_join(array_agg(%s) OVER %s, '')",
	},
}

package ddl_test

import (
	"cmp"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"pikabin/formats/csv"
	"pikabin/formats/ddl"
	"pikabin/formats/parquet"
)

// TestColumns compares the columns with those of the files.
func TestColumns(t *testing.T) {
	var want []string
	for _, line := range regexp.MustCompile(`(?m)^\t(?:optional|required) (?:group )?.*?(\w+)(?: \(.*\))?(?: \{|;)$`).FindAllStringSubmatch(parquet.Schema, -1) {
		want = append(want, line[1])
	}
	table := ddl.Table{Timestamps: true}
	if diff := gocmp.Diff(want, append([]string{"db"}, table.Columns()...)); diff != "" {
		t.Errorf("files have other columns: %s", diff)
	}
}

// TestStatements quotes every name, whatever is in it, and refuses what cannot be said.
func TestStatements(t *testing.T) {
	for _, engine := range ddl.Engines {
		table := ddl.Table{Engine: engine, Name: "a`b\"c.it's", Location: "s3://it's/x/", Format: "parquet"}
		sql, err := table.SQL()
		if err != nil || strings.Contains(sql, "it's/x") {
			t.Errorf("%s: %v: %s", engine, err, sql)
		}
		if !strings.Contains(sql, `"a`+"`"+`b""c"."it's"`) && !strings.Contains(sql, "`a``b\"c`.`it's`") {
			t.Errorf("%s: the name is not quoted: %s", engine, sql)
		}
		if _, err := (&ddl.Table{Engine: engine, Format: "parquet"}).SQL(); err == nil || !strings.Contains(err.Error(), "--table") {
			t.Errorf("%s without a table: %v", engine, err)
		}
	}
}

// TestRefused: what an engine cannot read has no statement, and the error says what can be given.
func TestRefused(t *testing.T) {
	for _, test := range []struct {
		table ddl.Table
		want  string
	}{
		{ddl.Table{Engine: "hive", Format: "msgpack"}, "give -f parquet, avro, jsonl or csv"},
		{ddl.Table{Engine: "duckdb", Format: "avro"}, "give -f parquet or -f jsonl"},
		{ddl.Table{Engine: "clickhouse", Format: "avro"}, "give -f parquet or -f jsonl"},
		{ddl.Table{Engine: "hive", Format: "csv"}, "give -f parquet or -f jsonl"},
		{ddl.Table{Engine: "spark", Format: "csv"}, "give -f parquet or -f jsonl"},
		{ddl.Table{Engine: "trino", Format: "csv"}, "give -f parquet or -f jsonl"},
		{ddl.Table{Engine: "oracle", Format: "parquet"}, "clickhouse, duckdb, hive, spark, trino"},
		{ddl.Table{Engine: "hive", Format: "jsonl", Timestamps: true}, "--timestamps is for -f parquet"},
		{ddl.Table{Engine: "clickhouse", Format: "parquet", Location: "/a{1}"}, "in /a{1} for a pattern"},
	} {
		test.table.Name, test.table.Location = "t", cmp.Or(test.table.Location, "x")
		if sql, err := test.table.SQL(); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %s, %v", test.table, sql, err)
		}
	}
	if _, err := (&ddl.Table{Engine: "duckdb", Name: "t", Format: "jsonl"}).Current(); err == nil || !strings.Contains(err.Error(), "Parquet or Avro") {
		t.Errorf("the view of the current state of JSON lines: %v", err)
	}
}

// TestLocationWithSigns: what is a pattern to DuckDB is written so that it names one folder.
func TestLocationWithSigns(t *testing.T) {
	for location, want := range map[string]string{
		"/a[1]*?{b}":      "'/a[[]1][*][?]{b}/**/*.parquet'",
		"s3://b/a[1]?c=d": "'s3://b/a[[]1]?c=d/**/*.parquet'",
	} {
		sql, err := (&ddl.Table{Engine: "duckdb", Name: "t", Location: location, Format: "parquet"}).SQL()
		if err != nil || !strings.Contains(sql, want) {
			t.Errorf("%s: %v: %s", location, err, sql)
		}
	}
}

// TestTextColumns compares the columns of files of text with those that a file of CSV begins with.
func TestTextColumns(t *testing.T) {
	for _, format := range []string{"jsonl", "csv"} {
		table := ddl.Table{Format: format}
		if got := "db," + strings.Join(table.Columns(), ",") + "\n"; got != csv.Header {
			t.Errorf("%s: %s", format, gocmp.Diff(csv.Header, got))
		}
	}
}

// TestTextStatements: each engine reads the files by its own means, compressed ones by their names.
func TestTextStatements(t *testing.T) {
	for engine, want := range map[string][]string{
		"hive":       {"'org.apache.hadoop.hive.serde2.JsonSerDe'", "MSCK REPAIR"},
		"spark":      {"USING JSON\nPARTITIONED BY (`db`, `dt`, `hr`)", "MSCK REPAIR"},
		"duckdb":     {"read_json('/c/**/*.jsonl.zst', format = 'newline_delimited'", "'key_b64': 'VARCHAR'"},
		"clickhouse": {"file('/c/**/*.jsonl.zst', 'JSONEachRow'", "`key_b64` Nullable(String)"},
		"trino":      {"format = 'JSON'", `"key_b64" VARCHAR`},
	} {
		sql, err := (&ddl.Table{Engine: engine, Name: "t", Location: "/c/", Format: "jsonl", Suffix: ".zst"}).SQL()
		for _, part := range want {
			if err != nil || !strings.Contains(sql, part) {
				t.Errorf("%s has no %s: %v: %s", engine, part, err, sql)
			}
		}
	}
	for engine, want := range map[string]string{"duckdb": "read_csv('/c/**/*.csv', header = true", "clickhouse": "'CSVWithNames'"} {
		if sql, err := (&ddl.Table{Engine: engine, Name: "t", Location: "/c", Format: "csv"}).SQL(); err != nil || !strings.Contains(sql, want) {
			t.Errorf("%s has no %s: %v: %s", engine, want, err, sql)
		}
	}
}

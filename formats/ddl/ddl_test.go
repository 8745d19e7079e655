package ddl_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	if diff := cmp.Diff(want, append([]string{"db"}, table.Columns()...)); diff != "" {
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
	if _, err := (&ddl.Table{Engine: "hive", Name: "t", Location: "x", Format: "jsonl"}).SQL(); err == nil {
		t.Error("files of JSON lines: no error")
	}
	for _, engine := range []string{"duckdb", "clickhouse", "oracle"} {
		if _, err := (&ddl.Table{Engine: engine, Name: "t", Location: "x", Format: "avro"}).SQL(); err == nil {
			t.Errorf("%s: no error", engine)
		}
	}
}

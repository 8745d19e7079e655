package ddl_test

import (
	"regexp"
	"strings"
	"testing"

	"pikabin/formats/ddl"
)

// TestCurrent makes the view in the words of each engine: all that differs is filled in, and names are quoted.
func TestCurrent(t *testing.T) {
	for _, engine := range ddl.Engines {
		sql, err := (&ddl.Table{Engine: engine, Name: "a`b\"c.it's"}).Current()
		if err != nil {
			t.Errorf("%s: %v", engine, err)
			continue
		}
		if left := regexp.MustCompile(`[\x00\x01]|\{\{|%[!sdq]|<no value>`).FindString(sql); left != "" {
			t.Errorf("%s: %q is left in the statement", engine, left)
		}
		if !strings.HasPrefix(sql, "CREATE VIEW \"a`b\"\"c\".\"it's_current\" AS\n") && !strings.HasPrefix(sql, "CREATE VIEW `a``b\"c`.`it's_current` AS\n") {
			t.Errorf("%s: the name is not quoted: %.60s", engine, sql)
		}
		if n := strings.Count(sql, "it's"); n != 3 {
			t.Errorf("%s: the table is named %d times, and should be three times", engine, n)
		}
		if !strings.HasSuffix(sql, ";\n") || strings.Count(sql, ";") != 1 {
			t.Errorf("%s: that is not one statement", engine)
		}
	}
	if _, err := (&ddl.Table{Engine: "hive"}).Current(); err == nil || !strings.Contains(err.Error(), "--table") {
		t.Errorf("without a table: %v", err)
	}
	if _, err := (&ddl.Table{Engine: "oracle", Name: "t"}).Current(); err == nil {
		t.Error("oracle: no error")
	}
}

// TestCurrentColumns reads no column that the files do not have.
func TestCurrentColumns(t *testing.T) {
	sql, err := (&ddl.Table{Engine: "duckdb", Name: "table"}).Current()
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{"db": true, "table": true, "table_current": true, "field": true, "certain": true, "score": true}
	for _, name := range (&ddl.Table{}).Columns() {
		known[name] = true
	}
	for _, name := range regexp.MustCompile(`"([^"]+)"`).FindAllStringSubmatch(sql, -1) {
		if !known[name[1]] {
			t.Errorf("there is no column %q", name[1])
		}
	}
}

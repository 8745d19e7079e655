package csv_test

import (
	"bytes"
	stdcsv "encoding/csv"
	"slices"
	"strings"
	"testing"

	"pikabin/formats/csv"
	"pikabin/formats/formattest"
	"pikabin/formats/jsonl"
)

func TestConformance(t *testing.T) {
	formattest.Suite{
		Format: "csv",
		Frame:  func(message []byte) []byte { return append(message, '\n') },
		Command: func(t *testing.T, message []byte) [][]byte {
			t.Helper()
			return formattest.Command(t, "csv", slices.Concat([]byte(csv.Header), message, []byte{'\n'}))
		},
	}.Run(t)
}

// TestOtherReader: another reader of RFC 4180 finds as many values in each line as there are columns, and in them the texts of the change. It takes CR out.
func TestOtherReader(t *testing.T) {
	columns := strings.Split(strings.TrimSpace(csv.Header), ",")
	for _, o := range []csv.Options{{}, {Args: true}, {Base64: true}} {
		enc := csv.New(o, jsonl.New(jsonl.Options{Base64: o.Base64}))
		for _, c := range formattest.Changes() {
			line := enc.AppendChange(nil, c.Change)
			records, err := stdcsv.NewReader(bytes.NewReader(line)).ReadAll()
			if err != nil || len(records) != 1 || len(records[0]) != len(columns) {
				t.Fatalf("%s: %v, %d lines: %.300q", c.Name, err, len(records), line)
			}
			key := records[0][slices.Index(columns, "key")]
			encoded := records[0][slices.Index(columns, "key_b64")]
			if want := strings.ReplaceAll(string(c.Key), "\r\n", "\n"); encoded == "" && key != want || encoded != "" && key != "" {
				t.Errorf("%s: key %q, in base64 %q, want %q", c.Name, key, encoded, want)
			}
		}
	}
}

package formattest

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/formats"
)

// texts are the fields of an event, and of its elements, that are strings in formats that tell these from bytes.
var texts = map[string]bool{
	"db": true, "op": true, "type": true, "cmd": true, "entry_id": true, "delta": true, "expire_precision": true, "effect": true,
	"scope": true, "from": true, "to": true, "reason": true, "score": true,
}

// Columns are the fields of a change as formats of columns have them: what JSON lines say of it, with bytes as []byte, text as
// string, numbers as int64, and the effect in full. A field that is absent is null.
func Columns(t *testing.T, c *decode.Change) map[string]any {
	t.Helper()
	format, _ := formats.Lookup("jsonl")
	return LineColumns(t, format.New(formats.Options{}).AppendChange(nil, c))
}

// LineColumns are the same of a line that was written.
func LineColumns(t *testing.T, line []byte) map[string]any {
	t.Helper()
	columns := object(t, line)
	if _, isRange := columns["from"]; columns["effect"] == nil && !isRange {
		columns["effect"] = decode.EffectExact.String()
	}
	return columns
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		t.Fatal(err)
	}
	columns := map[string]any{}
	for name, raw := range fields {
		plain, isBase64 := strings.CutSuffix(name, "_b64")
		columns[plain] = column(t, plain, raw, isBase64)
	}
	return columns
}

// column is the value of a field, or of an item of a list.
func column(t *testing.T, name string, raw json.RawMessage, isBase64 bool) any {
	t.Helper()
	switch {
	case raw[0] == '[':
		return list(t, name, raw, isBase64)
	case raw[0] == '{':
		return object(t, raw)
	case raw[0] != '"':
		return number(t, string(raw))
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		t.Fatal(err)
	}
	switch {
	case texts[name]:
		return s
	case isBase64:
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return []byte(s)
}

// number is a number of 64 bits, as a signed one.
func number(t *testing.T, digits string) int64 {
	t.Helper()
	if u, err := strconv.ParseUint(digits, 10, 64); err == nil {
		return int64(u)
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func list(t *testing.T, name string, raw json.RawMessage, isBase64 bool) []any {
	t.Helper()
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		t.Fatal(err)
	}
	var values []any
	for _, item := range items {
		values = append(values, column(t, name, item, isBase64))
	}
	return values
}

// CompareColumns wants a row that was read back to be what Columns says of the change.
func CompareColumns(t *testing.T, c *decode.Change, got map[string]any) {
	t.Helper()
	if want := Columns(t, c); !reflect.DeepEqual(want, got) {
		t.Fatalf("%.100q (-jsonl +got):\n%.2000s", c.Cmd, cmp.Diff(want, got))
	}
}

// Present are the fields of a record that are not null, in the records of its lists, too.
func Present(record map[string]any) map[string]any {
	fields := map[string]any{}
	for name, v := range record {
		if items, ok := v.([]any); ok {
			v = presentItems(items)
		}
		if v != nil {
			fields[name] = v
		}
	}
	return fields
}

func presentItems(items []any) []any {
	var present []any
	for _, item := range items {
		if record, ok := item.(map[string]any); ok {
			item = Present(record)
		}
		present = append(present, item)
	}
	return present
}

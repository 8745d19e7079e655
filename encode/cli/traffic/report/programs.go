package report

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"strconv"
	"time"

	"pikabin/encode/cli/traffic"
)

// JSON writes a summary as one line.
func JSON(w io.Writer, s *traffic.Summary) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(s)
}

// table is what CSV is made of: rows of the same columns.
type table struct {
	rows [][]string
}

// columns say what is in each: of what a row is, its name (a time in UTC, or in base64 what is not UTF-8), events and bytes, by how
// much events can be too low, and the DB and the position of what has one.
var columns = []string{"by", "name", "name_b64", "events", "bytes", "under", "db", "position"}

func (t *table) add(by, name, b64 string, c traffic.Count, under int64, db, position string) {
	t.rows = append(t.rows, []string{by, name, b64, number(c.Events), number(c.Bytes), number(under), db, position})
}

// CSV writes a summary as a table.
func CSV(w io.Writer, s *traffic.Summary) error {
	t := table{rows: [][]string{columns}}
	t.add("all", "", "", s.Count, 0, "", "")
	for _, step := range s.Timeline {
		t.add("time", utc(step.TS), "", step.Count, 0, "", "")
	}
	if s.Untimed.Events > 0 {
		t.add("time", "", "", s.Untimed, 0, "", "")
	}
	t.groups("db", s.DBs)
	t.groups("command", s.Commands)
	t.groups("type", s.Types)
	t.groups("op", s.Ops)
	t.frequent("prefix", &s.Prefixes)
	t.frequent("key", &s.Keys)
	t.events("value", s.Values)
	for _, span := range s.Deadlines.Spans {
		t.add("life in ms", bound(span.From)+".."+bound(span.Below), "", traffic.Count{Events: span.Events}, 0, "", "")
	}
	t.events("flush", s.Flushes.Last)
	return csv.NewWriter(w).WriteAll(t.rows)
}

func (t *table) groups(by string, list []traffic.Named) {
	for _, n := range list {
		t.add(by, n.Name, "", n.Count, 0, "", "")
	}
}

func (t *table) frequent(by string, f *traffic.Frequent) {
	for _, one := range f.Top {
		t.add(by, one.Text, one.B64, one.Count, f.Under, one.DB, "")
	}
}

// events are told by their keys or, where there is none, by their commands.
func (t *table) events(by string, list []traffic.Event) {
	for _, e := range list {
		name := e.Key
		if e.Key == "" && e.KeyB64 == "" {
			name = e.Cmd
		}
		position := number(int64(e.Segment)) + ":" + number(e.Offset)
		t.add(by, name, e.KeyB64, traffic.Count{Events: 1, Bytes: e.Bytes}, 0, e.DB, position)
	}
}

func bound(ms int64) string {
	if ms == 0 {
		return ""
	}
	return number(ms)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }

func utc(second int64) string { return time.Unix(second, 0).UTC().Format(time.RFC3339) }

package inspect

import (
	"encoding/base64"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"pikabin/decode/binlog"
	"pikabin/decode/units"
)

// WriteTable writes the report for a person: each log by itself, then all together if there are several.
func (r *InfoReport) WriteTable(w io.Writer) error {
	t := &table{zone: r.zone}
	for i := range r.Logs {
		l := &r.Logs[i]
		t.log(l)
		t.totals(&l.Totals)
	}
	if len(r.Logs) > 1 {
		t.printf("all %d logs\n", len(r.Logs))
		t.several = true
		t.totals(&r.Total)
	}
	_, err := io.WriteString(w, strings.TrimSuffix(t.String(), "\n"))
	return err
}

// table builds the text of a report.
type table struct {
	strings.Builder
	zone    *time.Location
	several bool // logs are counted together: each record is named with its own
}

func (t *table) printf(format string, args ...any) { fmt.Fprintf(t, format, args...) }

func (t *table) row(name, format string, args ...any) {
	t.printf("  %-14s %s\n", name, fmt.Sprintf(format, args...))
}

func (t *table) log(l *LogInfo) {
	t.printf("%s in %s\n", nameOf(l.DB, l.Slot), quotePath(l.Path))
	t.row("pika", "%s", l.Pika)
	s := &l.Segments
	text := "none"
	switch {
	case s.Count == 1:
		text = fmt.Sprintf("1, write2file%d, %s", s.First, units.FormatSize(s.Bytes))
	case s.Count > 1:
		text = fmt.Sprintf("%s, write2file%d to write2file%d, %s", units.FormatCount(int64(s.Count)), s.First, s.Last, units.FormatSize(s.Bytes))
	}
	if s.Compressed > 0 {
		text += fmt.Sprintf(", %d compressed", s.Compressed)
	}
	if s.Stale > 0 {
		text += fmt.Sprintf(", and %d stale", s.Stale)
	}
	t.row("segments", "%s", text)
	switch m := l.Committed; {
	case m == nil && l.Path == binlog.StandardInput:
		t.row("committed", "not known: read to %s", l.End)
	case m == nil:
		t.row("committed", "no manifest: read to %s", l.End)
	case m.LogicID != nil:
		t.row("committed", "%s by the manifest, logic id %d", m.Position, *m.LogicID)
	default:
		t.row("committed", "%s by the manifest", m.Position)
	}
	for _, n := range l.Notes {
		t.row("note", "%s", units.Visible(n))
	}
}

func nameOf(db string, slot *int) string {
	db = quotePath(db)
	if slot == nil {
		return db
	}
	return db + "/" + strconv.Itoa(*slot)
}

func (t *table) totals(s *Totals) {
	t.record("first record", s.First)
	t.record("last record", s.Last)
	if s.LogicIDs != nil {
		t.row("logic ids", "%d to %d", s.LogicIDs.Min, s.LogicIDs.Max)
	}
	t.row("records", "%s, %s", units.FormatCount(s.Records), units.FormatSize(s.Bytes))
	t.row("commands", "%s", units.FormatCount(s.Commands))
	t.row("events", "%s", units.FormatCount(s.Events))
	if passed := passedText(s); passed != "" {
		t.row("passed over", "%s", passed)
	}
	if s.Lost > 0 {
		t.row("damage", "%s lost, %s: run verify to see them", count(s.Lost, "range"), units.FormatSize(s.LostBytes))
	}
	if s.Holes > 0 {
		t.row("missing", "%s: run verify to see them", count(s.Holes, "hole"))
	}
	t.groups("command", "commands", s.ByCommand)
	t.groups("type", "events", s.ByType)
	t.largest(s.Largest)
	t.prefixes(s)
	t.printf("\n")
}

func (t *table) record(name string, r *RecordInfo) {
	if r == nil {
		return
	}
	text := r.Position
	if t.several {
		text = nameOf(r.DB, r.Slot) + " " + text
	}
	if r.Time != nil {
		text += " of " + units.FormatTime(*r.Time, t.zone)
	}
	t.row(name, "%s", text)
}

func passedText(s *Totals) string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{s.Padding, "padding"}, {s.Filler, "of a full sync"}, {s.Empty, "empty"}, {s.NoEffect, "without effect"}, {s.OtherSlots, "of other slots"},
	} {
		if p.n > 0 {
			parts = append(parts, units.FormatCount(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

// columns writes rows of cells, separated by tabs, under each other.
func (t *table) columns(rows []string) {
	t.printf("\n")
	w := tabwriter.NewWriter(t, 0, 0, 2, ' ', 0)
	for _, r := range rows {
		fmt.Fprintf(w, "  %s\n", r)
	}
	w.Flush() //nolint:gosec // a strings.Builder takes everything
}

func (t *table) groups(name, of string, list []GroupInfo) {
	if len(list) == 0 {
		return
	}
	rows := []string{name + "\t" + of + "\tbytes"}
	for _, g := range list {
		rows = append(rows, quoteName(g.Name)+"\t"+units.FormatCount(g.Count)+"\t"+units.FormatSize(g.Bytes))
	}
	t.columns(rows)
}

func (t *table) largest(list []RecordInfo) {
	if len(list) == 0 {
		return
	}
	rows := []string{"largest records\tbytes\tcommand\tkey"}
	for i := range list {
		r := &list[i]
		rows = append(rows, nameOf(r.DB, r.Slot)+" "+r.Position+"\t"+units.FormatSize(r.Bytes)+"\t"+quoteName(r.Command)+"\t"+quoteKey(r.Key, r.KeyB64))
	}
	t.columns(rows)
}

func (t *table) prefixes(s *Totals) {
	if len(s.Prefixes) == 0 {
		return
	}
	rows := []string{"keys that begin with\tevents\tbytes"}
	for _, p := range s.Prefixes {
		rows = append(rows, quoteKey(p.Prefix, p.PrefixB64)+"\t"+units.FormatCount(p.Events)+"\t"+units.FormatSize(p.Bytes))
	}
	t.columns(rows)
	if s.PrefixError > 0 {
		t.printf("  (each of these counts may be up to %s too low)\n", units.FormatCount(s.PrefixError))
	}
}

// quoteKey shows a key of which text or base64 is there: as it is, or quoted as Go does where it would not read well.
func quoteKey(text, b64 string) string {
	if b64 != "" {
		raw, _ := base64.StdEncoding.DecodeString(b64) // textOrBytes made it
		text = string(raw)
	}
	return quoteName(text)
}

package inspect

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlog/folder"
)

// InfoOptions say how Info reads and shows. The zero value is the default.
type InfoOptions struct {
	Options

	// Zone is that of the times in the table; nil: the local one.
	Zone *time.Location
}

// Info reads the logs and says what is in them. Damage is passed over and counted. The error is of the disk or
// the context, never of the log.
func Info(ctx context.Context, logs []*binlog.Log, o InfoOptions) (*InfoReport, error) {
	j := &informer{logs: logs, tallies: make([]tally, len(logs)), totals: make([]Totals, len(logs)), progress: o.Progress}
	if err := scan(ctx, logs, &o.Options, false, func() visitor[*tallied] { return &counting{} }, j.join); err != nil {
		return nil, err
	}
	if err := j.close(); err != nil {
		return nil, err
	}
	r := &InfoReport{zone: cmp.Or(o.Zone, time.Local)}
	var all tally
	for i, l := range logs {
		info := logInfo(l)
		info.Totals = j.totals[i]
		j.tallies[i].fill(&info.Totals)
		// How far an archive goes is known only now.
		if l.Committed().Offset == math.MaxInt64 && info.Last != nil {
			info.End = info.Last.End
		}
		r.Logs = append(r.Logs, info)
		r.Total.Lost += info.Lost
		r.Total.LostBytes += info.LostBytes
		r.Total.Holes += info.Holes
		all.merge(&j.tallies[i])
	}
	all.fill(&r.Total)
	return r, nil
}

// informer adds the chunks up in log order.
type informer struct {
	logs     []*binlog.Log
	tallies  []tally
	totals   []Totals // their damage
	progress func(int64)

	log   int // the log that is being read
	chain decode.Chain
}

func (j *informer) join(_ context.Context, t *tallied) error {
	if t.failure != nil {
		return t.failure
	}
	if t.task.log != j.log || t.task.Missing != nil {
		if err := j.close(); err != nil {
			return err
		}
		j.log = t.task.log
	}
	if t.task.Missing == nil {
		return j.add(t)
	}
	j.totals[j.log].Holes++
	return nil
}

// add puts a chunk after the one before.
func (j *informer) add(t *tallied) error {
	if err := j.chain.Add(&t.covered, j.lost); err != nil {
		return err
	}
	for _, l := range t.lost {
		if err := j.lost(l); err != nil {
			return err
		}
	}
	j.tallies[j.log].merge(&t.tally)
	if j.progress != nil {
		j.progress(min(t.covered.End, t.covered.Limit) - t.covered.Begin)
	}
	return nil
}

func (j *informer) close() error { return j.chain.Close(j.lost) }

func (j *informer) lost(l decode.Lost) error {
	t := &j.totals[j.log]
	if l.Open {
		return nil
	}
	t.Lost++
	t.LostBytes += l.To.Offset - l.From.Offset
	return nil
}

// logInfo is what is known of a log without reading its records.
func logInfo(l *binlog.Log) LogInfo {
	id := l.ID()
	info := LogInfo{DB: id.DB, Path: l.Where(), End: l.Committed().String()}
	if id.Slot >= 0 {
		info.Slot = new(id.Slot)
	}
	info.Generation, info.Pika = generationText(l.Generation())
	for i, s := range l.Segments() {
		if i == 0 {
			info.Segments.First = s.Number
		}
		info.Segments.Count++
		info.Segments.Last = s.Number
		info.Segments.Bytes += s.Size
		if s.Compression != folder.Plain {
			info.Segments.Compressed++
		}
	}
	info.Segments.Stale = len(l.Stale())
	for _, o := range l.Oddities() {
		info.Notes = append(info.Notes, o.Text)
	}
	if m, err := l.Manifest(); err == nil {
		info.Committed = &ManifestInfo{Position: m.Position}
		if m.HasLogicID {
			info.Committed.LogicID = new(m.LogicID)
		}
	}
	return info
}

// generationText is the name of a generation and the versions of it. Nothing in the bytes tells G5 from G4.
func generationText(g decode.Generation) (name, pika string) {
	switch g {
	case decode.G0:
		return "G0", "2.0"
	case decode.G1:
		return "G1", "2.1 to 2.2"
	case decode.G2:
		return "G2", "2.3"
	case decode.G3:
		return "G3", "3.0 to 3.2"
	case decode.G4:
		return "G4", "3.3 or later"
	case decode.G5:
		return "G5", "3.5.2 or later"
	default:
		return "", "not known: no record tells"
	}
}

// fill puts the counts into a report.
func (t *tally) fill(r *Totals) {
	r.Records, r.Bytes, r.Commands, r.Events = t.records, t.bytes, t.commands, t.events
	r.Padding, r.Filler, r.Empty, r.NoEffect, r.OtherSlots = t.padding, t.filler, t.empty, t.noEffect, t.otherSlot
	if t.first.log != nil {
		r.First, r.Last = new(t.first.info()), new(t.last.info())
	}
	if t.hasID {
		r.LogicIDs = &RangeInfo{Min: t.minID, Max: t.maxID}
	}
	r.ByCommand = []GroupInfo{}
	for name, g := range t.names.byName {
		r.ByCommand = append(r.ByCommand, GroupInfo{Name: name, Count: g.count, Bytes: g.bytes})
	}
	sortGroups(r.ByCommand)
	r.ByType = []GroupInfo{}
	for i, g := range t.types {
		if g.count > 0 {
			r.ByType = append(r.ByType, GroupInfo{Name: typeName(decode.Type(i)), Count: g.count, Bytes: g.bytes})
		}
	}
	sortGroups(r.ByType)
	r.Largest = []RecordInfo{}
	for i := range t.largest {
		r.Largest = append(r.Largest, t.largest[i].info())
	}
	r.Prefixes, r.PrefixError = topPrefixes(&t.keys, prefixesShown), t.keys.Under()
}

func typeName(t decode.Type) string { return cmp.Or(t.String(), anyType) }

func sortGroups(list []GroupInfo) {
	slices.SortFunc(list, func(a, b GroupInfo) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
}

func (s *sample) info() RecordInfo {
	info := RecordInfo{
		DB: s.log.DB, Position: decode.Position{Segment: s.segment, Offset: s.begin}.String(),
		End: decode.Position{Segment: s.segment, Offset: s.end}.String(), Bytes: s.size(), Command: s.command,
	}
	if s.log.Slot >= 0 {
		info.Slot = new(s.log.Slot)
	}
	if s.hasTime {
		info.Time = new(s.time)
	}
	info.Key, info.KeyB64 = textOrBytes(s.key)
	return info
}

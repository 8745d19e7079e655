package folder

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"pikabin/encode/sink"
)

// The folder of an hour is complete when the hour is over, as for a part, and all its parts are shown. A consumer is told then: by a file, by a
// command, or both. The state holds which hours wait for that, and which are to be told, from before they are until after: a crash tells again, and
// does not forget. An event that comes later makes another part, and is told in the same way.

// waiting is an hour of which the folder is not complete.
type waiting struct {
	hour  int64     // unix seconds, as in sink.Piece
	wrote time.Time // the last write of this run
}

// readiness is what a folder knows of its hours. The lock of its writes is for it.
type readiness struct {
	hours  map[string]waiting // by the folder of the partition
	latest map[string]int64   // the time that events of a DB have come to, where it has one log
	ready  []string           // folders that are to be told
}

// tells reports whether anybody wants to know.
func (s *Settings) tells() bool { return s.success || s.command != "" }

// sees notes that a part of an hour was written to.
func (f *folder) sees(p *part, b *sink.Batch, piece *sink.Piece) {
	if !f.tells() {
		return
	}
	dir := filepath.Dir(p.Name)
	f.hours[dir] = waiting{hour: max(f.hours[dir].hour, piece.Hour), wrote: f.now()}
	if b.Log.Slot < 0 { // other logs of the DB may not have come as far
		db := dbOf(dir)
		f.latest[db] = max(f.latest[db], piece.Last)
	}
}

// dbOf is the outermost of the folders of a partition.
func dbOf(dir string) string {
	db, _, _ := strings.Cut(filepath.ToSlash(dir), "/")
	return db
}

// becomeReady moves the hours that are complete to those that are to be told.
func (f *folder) becomeReady(m sink.Moment) {
	open := map[string]bool{}
	for _, p := range f.open {
		open[filepath.Dir(p.Name)] = true
	}
	for _, dir := range slices.Sorted(maps.Keys(f.hours)) {
		if open[dir] || !f.isOver(dir, f.hours[dir], m) {
			continue
		}
		delete(f.hours, dir)
		if !slices.Contains(f.ready, dir) {
			f.ready = append(f.ready, dir)
		}
	}
}

// isOver goes by the events of the DB, and by the clock where no more can come: when all has been read, or in a tail to which nothing came for a while.
func (f *folder) isOver(dir string, w waiting, m sink.Moment) bool {
	if w.hour != 0 && f.latest[dbOf(dir)] >= overAt(w.hour) {
		return true
	}
	now := f.now()
	quiet := f.env.Live && now.Sub(w.wrote) >= hourGrace || !f.env.Live && m == sink.Whole
	return quiet && now.Unix() >= overAt(w.hour)
}

// overAt is when an hour is over, in unix seconds.
func overAt(hour int64) int64 { return hour + secondsPerHour + int64(hourGrace/time.Second) }

// tellAll tells of hours that are complete by the state. What cannot be told because the run is to end is left to the next one.
func (f *folder) tellAll(ctx context.Context, dirs []string) error {
	for _, dir := range dirs {
		if told, err := f.store.Tell(ctx, f.Hour(dir, f.env.Stop)); !told || err != nil {
			return err
		}
		f.writes.Lock()
		f.ready = slices.DeleteFunc(f.ready, func(d string) bool { return d == dir })
		f.writes.Unlock()
	}
	return nil
}

package run

import (
	"context"
	"errors"
	"io"
	"slices"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/frame"
	"pikabin/encode/health"
	"pikabin/encode/sink"
	"pikabin/encode/vfs"
)

// open checks all that can refuse the run before it opens the output. A remote output is opened before the source: it may wait
// for long, and know itself where the logs are to be read from. A local one is opened once the source has something to give.
func (r *running) open(ctx context.Context) error {
	logs, err := r.Logs(ctx)
	if err != nil {
		return err
	}
	if err := r.openPlaces(ctx, logs); err != nil {
		return err
	}
	if err := r.show(context.WithoutCancel(ctx)); err != nil { // a run that stands by for long is asked, too
		return err
	}
	if IsRemote(r.Output.Options.Target) {
		if err := r.openOutput(logs); err != nil {
			return err
		}
		return r.openSource(ctx)
	}
	if err := r.openSource(ctx); err != nil {
		return err
	}
	if err := r.peek(ctx); err != nil {
		return err
	}
	return r.openOutput(logs)
}

// openPlaces takes up the state, once the files that are to be written were checked, and refuses one of other logs or outputs.
func (r *running) openPlaces(ctx context.Context, logs []Log) error {
	target := r.Output.Options.Target
	if err := r.Guard.State(r.State); err != nil {
		return err
	}
	if err := r.Guard.Output(target); err != nil {
		return err
	}
	var store StateStore
	if r.State != "" {
		file, err := checkpoint.Open(r.State)
		if err != nil {
			return err
		}
		store = file
	}
	var err error
	if r.places, err = newPlaces(store, r.Sources); err != nil {
		return err
	}
	if !IsRemote(target) { // the identity of a remote output is known only once it is open
		if target != "-" {
			target, err = vfs.RealPath(target)
		}
		if err == nil {
			err = r.belongs(target)
		}
	}
	if err != nil {
		return err
	}
	return r.places.check(ctx, logs)
}

// belongs refuses a state of another output.
func (r *running) belongs(output string) error {
	return r.places.belongTo(output, r.Encode.Format.Name, r.Encode.Compression.String())
}

// openSource opens the source, which asks where each log is read from.
func (r *running) openSource(ctx context.Context) error {
	source, err := r.Open(ctx, r.begin)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.source = source
	return nil
}

// peek refuses a log that cannot be read from its place. The first chunk of logs that do not grow is kept for Next.
func (r *running) peek(ctx context.Context) error {
	if r.Follow {
		for _, place := range r.begun {
			if place.Before != nil && !r.Encode.SkipGaps {
				return place.Before
			}
		}
		return nil
	}
	chunk, err := r.source.Next(ctx)
	if err != nil && err != io.EOF && !r.skips(err) { //nolint:errorlint // what wraps it is an error
		return err
	}
	r.first = func() (decode.Chunk, error) { return chunk, err }
	return nil
}

// skips says whether the engine continues after what is missing.
func (r *running) skips(err error) bool {
	var hole decode.Hole
	if !errors.As(err, &hole) {
		return false
	}
	if _, damage := errors.AsType[*decode.CorruptError](hole); damage {
		return r.Encode.SkipCorrupt
	}
	return r.Encode.SkipGaps
}

// from is where a log is read from that no run has left a place of. One that appears later is all new, and so is one beside
// those of an earlier run.
func (r *running) from(late bool) decode.Where {
	if late || r.From == (decode.Where{}) && r.places.known() {
		return decode.LogStart
	}
	return r.From.Or(r.Default)
}

// begin is Begin for the source.
func (r *running) begin(ctx context.Context, l Log, late bool) (Place, error) {
	var wait func(string)
	if r.Follow {
		wait = r.Tell.Warn
	}
	place, err := r.places.begin(ctx, l, r.from(late), wait)
	if err == nil {
		r.mu.Lock()
		r.begun[l.ID()] = place
		r.mu.Unlock()
	}
	return place, err
}

// show begins to show how the run is doing.
func (r *running) show(ctx context.Context) (err error) {
	if r.Watch != nil {
		r.shown, err = r.Watch.Begin(ctx, r.Encode.Stats, r.status)
	}
	return err
}

// status are the logs as they are on the disk.
func (r *running) status() []health.LogStatus {
	r.mu.Lock()
	source := r.source
	r.mu.Unlock()
	if source == nil {
		return nil
	}
	list := source.Status()
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, l := range list {
		place := r.begun[l.Log]
		list[i].From = place.From()
	}
	return list
}

// openOutput opens the output where the state says that it ended.
func (r *running) openOutput(logs []Log) error {
	o := r.Output.Options
	o.Note, o.Resume = r.places.note()
	o.DBs = dbsOf(logs)
	format, compression := &r.Encode.Format, r.Encode.Compression
	o.Format, o.Ext, o.ContentType = format.Name, format.Ext+compression.Ext(), format.ContentType
	o.Compressed = compression != (frame.Compression{})
	o.Owner = r.places.path()
	o.Belongs = r.belongs
	o.Guard = func(path string) error { return r.Guard.Write("output", path) }
	o.Warn, o.Stop = r.Tell.Warn, r.stop
	o.Waits, o.Oversized, o.StandsBy = r.Encode.Stats.Waits, r.Encode.Stats.Oversized, r.Encode.Stats.StandsBy
	var err error
	if r.sink, err = r.Output.Open(o); err != nil {
		return err
	}
	if p, ok := r.sink.(sink.Positioner); ok {
		r.keeps = true
		r.places.adopt(p.Positions())
	}
	return nil
}

// dbsOf are the names of the DBs that the logs are of, each once.
func dbsOf(logs []Log) []string {
	var dbs []string
	for _, l := range logs {
		dbs = append(dbs, l.ID().DB)
	}
	slices.Sort(dbs)
	return slices.Compact(dbs)
}

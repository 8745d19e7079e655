package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/health"
	"pikabin/encode/sink"
	"pikabin/encode/stats"
	"pikabin/formats"
)

// open checks all that can refuse the run before it opens the output, which it does once the source has something to give. Outputs
// that keep positions themselves are opened first (sink.Target.First): only they know where the source is to begin.
func (r *running) open(ctx context.Context) error {
	logs, err := r.Logs(ctx)
	if err != nil {
		return err
	}
	if err := r.guard(); err != nil {
		return err
	}
	store, err := r.openStore(ctx)
	if err != nil {
		return err
	}
	if r.held != nil { // until then others may have come, and segments may have gone
		if logs, err = r.Logs(ctx); err != nil {
			return err
		}
	}
	if err := r.askTaken(ctx); err != nil {
		return err
	}
	if err := r.openPlaces(ctx, store, logs); err != nil {
		return err
	}
	if r.Output.Target().First {
		if err := r.openOutput(ctx, logs); err != nil {
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
	return r.openOutput(ctx, logs)
}

// askTaken asks an output for the format that it takes.
func (r *running) askTaken(ctx context.Context) error {
	ask := r.Output.Target().Takes
	if ask == nil {
		return nil
	}
	takes, err := ask(ctx, r.monitor())
	if err != nil {
		return failure(err)
	}
	format, ok := formats.Lookup(takes.Format)
	if !ok {
		return fmt.Errorf("there is no format %q, which the output takes", takes.Format)
	}
	r.Encode.Format, r.Encode.FormatOptions.Server, r.Encode.FormatOptions.Cluster = format, takes.Server, takes.Cluster
	return nil
}

// guard refuses files that the run must not write.
func (r *running) guard() error {
	if err := r.Guard.State(r.State); err != nil {
		return err
	}
	for _, path := range r.Output.Target().Paths {
		if err := r.Guard.Output(path); err != nil {
			return err
		}
	}
	return nil
}

// openStore takes the state that nobody else has in use; nil: none is kept. A dry run looks at it.
func (r *running) openStore(ctx context.Context) (StateStore, error) {
	switch {
	case r.Shared != nil && r.Dry:
		return r.Shared.look(ctx)
	case r.Shared != nil:
		return r.claim(ctx)
	case r.Output.Target().Standby:
		return nil, refuse("--standby needs a state that several hosts share: --state etcd://HOST:2379/KEY, or --state s3://BUCKET/PATH/NAME")
	case r.State == "":
		return nil, nil //nolint:nilnil // none is kept
	case r.Dry:
		return checkpoint.OpenCopy(r.State)
	}
	return checkpoint.Open(r.State)
}

// openPlaces takes up the state, and refuses one of other logs or outputs.
func (r *running) openPlaces(ctx context.Context, store StateStore, logs []Log) error {
	var err error
	if r.places, err = newPlaces(store, r.Sources); err != nil {
		return err
	}
	r.places.shared = r.Shared != nil
	r.places.of(r.Group)
	if err := r.show(context.WithoutCancel(ctx)); err != nil { // a run that waits for long is asked, too
		return err
	}
	if err := r.checkOutput(ctx, r.places); err != nil {
		return err
	}
	return r.places.check(ctx, logs)
}

// checkOutput refuses the places of another output, and makes them those of this one.
func (r *running) checkOutput(ctx context.Context, p *places) error {
	if !p.keeps() {
		return nil
	}
	identity, err := r.Output.Identity(ctx, r.monitor())
	if err != nil {
		return failure(err)
	}
	err = p.belongTo(identity, r.Encode.FormatName(), r.Encode.Compression.String())
	if err == nil && r.Shared != nil {
		err = p.settle(r.Shared.Settings)
	}
	return err
}

// failure makes an error of the output of what has failed, unless it is a mistake in the command line, or the run was told to end.
func failure(err error) error {
	_, wrong := errors.AsType[*sink.TargetError](err)
	_, stopped := errors.AsType[*sink.StoppedError](err)
	if err == nil || wrong || stopped {
		return err
	}
	return &sink.Error{Err: err}
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
		return r.peekAll(ctx)
	}
	chunk, err := r.source.Next(ctx)
	if err != nil && err != io.EOF { //nolint:errorlint // what wraps it is an error
		return err
	}
	r.first = func() (decode.Chunk, error) { return chunk, err }
	return r.Encode.Refuses(&chunk)
}

// peekAll looks at each log that is there.
func (r *running) peekAll(ctx context.Context) error {
	for _, l := range r.followed {
		place := r.begun[l.ID()]
		if err := r.Encode.Refuses(&decode.Chunk{Missing: place.Before}); err != nil {
			return err
		}
		if err := l.Peek(ctx, place.From(), r.Encode.Refuses); err != nil {
			return err
		}
	}
	return nil
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
		defer r.mu.Unlock()
		if _, again := r.begun[l.ID()]; !again {
			r.followed = append(r.followed, l)
		}
		r.begun[l.ID()] = place
	}
	return place, err
}

// show begins to show how the run is doing.
func (r *running) show(ctx context.Context) (err error) {
	if r.Watch != nil && r.shown == nil {
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

// monitor is told how the output is doing.
type monitor struct {
	*stats.Stats
	*console.Console
}

func (r *running) monitor() sink.Monitor { return monitor{r.Encode.Stats, r.Tell} }

// openOutput opens the output where the state says that it ended.
func (r *running) openOutput(ctx context.Context, logs []Log) error {
	frames, err := r.Encode.Frames()
	if err != nil {
		return err
	}
	head, err := r.Encode.Head()
	if err != nil {
		return err
	}
	format := &r.Encode.Format
	e := sink.Env{
		Stdout: r.Stdout, DBs: dbsOf(logs), Format: format.Name, Ext: r.Encode.Ext(), Content: format.ContentType, Schema: r.Encode.Schema(),
		Head: head, Header: r.Encode.Header(), Frames: frames, Inside: format.File != nil, State: r.places.path(), Live: r.Follow, Monitor: r.monitor(), Stop: r.stop,
	}
	if r.Shared != nil && r.Output.Target().Whole {
		e.Term, e.Host = 1, r.Shared.Host // of a dry run
	}
	if e.Term > 0 && r.held != nil {
		e.Term = r.held.Term()
	}
	if r.Encode.FormatOptions.Server {
		e.Held = formats.Held
	}
	if format.Seal != nil {
		e.Seal = func(noDB bool) (sink.Sealer, error) { return r.Encode.Sealer(noDB) }
	}
	e.Note, e.Resume = r.places.note()
	output, err := r.Output.Open(ctx, e)
	if err != nil {
		return failure(err)
	}
	r.output = output
	if _, r.keeps = r.output.Sink.(sink.Transactional); r.keeps {
		r.places.adopt(r.output.Found.Positions)
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

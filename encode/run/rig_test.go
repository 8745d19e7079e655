package run_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"pikabin/decode"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/console"
	"pikabin/encode/run"
	"pikabin/encode/sink"
	"pikabin/encode/sinktest"
	"pikabin/encode/stats"
)

// rig is a job, and what it is made of.
type rig struct {
	t      *testing.T
	logs   []*memoryLog
	source *memorySource
	out    *memoryOutput
	job    run.Job
	stop   chan struct{}

	news      chan func(context.Context, *memorySource) error // what happens while logs are followed
	places    []run.Place                                     // where logs were begun
	delivered map[*decode.Log]checkpoint.Mark                 // what the source was told last

	mu    sync.Mutex
	calls []string
}

// newRig is a job that reads logs once, with a state in a folder of its own.
func newRig(t *testing.T, logs ...*memoryLog) *rig {
	t.Helper()
	r := &rig{t: t, logs: logs, stop: make(chan struct{}), news: make(chan func(context.Context, *memorySource) error)}
	close(r.news)
	dir := t.TempDir()
	r.source = &memorySource{rig: r, stop: make(chan struct{})}
	r.out = &memoryOutput{rig: r, identity: "memory"}
	r.job = run.Job{
		Logs: r.find, Open: r.open, Sources: []string{dir}, State: filepath.Join(dir, "state"), Output: r.out, Guard: run.NewGuard(nil),
		Encode: encode.Options{Format: sinktest.Lines(), Workers: 2, Stats: &stats.Stats{}}, Tell: console.New(io.Discard, false, true),
		Default: decode.LogStart,
	}
	return r
}

// following is a job that follows logs. What happens is sent to news.
func following(t *testing.T, logs ...*memoryLog) *rig {
	t.Helper()
	r := newRig(t, logs...)
	r.news = make(chan func(context.Context, *memorySource) error)
	r.job.Follow, r.job.Default = true, decode.LogEnd
	return r
}

// again is the same job in another run.
func (r *rig) again() *rig {
	next := newRig(r.t, r.logs...)
	if r.job.Follow {
		next = following(r.t, r.logs...)
	}
	next.job.Sources, next.job.State = r.job.Sources, r.job.State
	return next
}

func (r *rig) call(name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) == 0 || r.calls[len(r.calls)-1] != name {
		r.calls = append(r.calls, name)
	}
}

func (r *rig) find(context.Context) ([]run.Log, error) {
	r.call("logs")
	list := make([]run.Log, len(r.logs))
	for i, l := range r.logs {
		list[i] = l
	}
	return list, nil
}

func (r *rig) open(ctx context.Context, begin run.Begin) (run.Source, error) {
	r.call("source")
	r.source.begin = begin
	for _, l := range r.logs {
		if err := r.source.add(ctx, l, false); err != nil {
			return nil, err
		}
	}
	return r.source, nil
}

func (r *rig) run() (encode.Result, error) { return r.job.Run(r.t.Context(), r.stop) }

// must runs to the end.
func (r *rig) must() *rig {
	r.t.Helper()
	if _, err := r.run(); err != nil {
		r.t.Fatal(err)
	}
	return r
}

// happen lets something happen, and waits until the source has come to it.
func (r *rig) happen(what func(context.Context, *memorySource) error) { r.news <- what }

// quiet waits until all that has happened was read.
func (r *rig) quiet() { r.happen(func(context.Context, *memorySource) error { return nil }) }

// saved is the position of a log in the state.
func (r *rig) saved(db string) checkpoint.Mark {
	r.t.Helper()
	state, _, err := checkpoint.Load(r.job.State)
	if err != nil {
		r.t.Fatal(err)
	}
	return state.DBs[db]
}

// stateText is the state as it is on the disk.
func (r *rig) stateText() string {
	text, err := os.ReadFile(r.job.State)
	if err != nil && !os.IsNotExist(err) {
		r.t.Fatal(err)
	}
	return string(text)
}

// refuse makes the output take nothing any more.
func (o *memoryOutput) refuse(err error) { o.take = func(*sink.Batch) error { return err } }

// failure is what a run ends with.
func (r *rig) failure() error {
	_, err := r.run()
	return err
}

package run

import (
	"context"
	"fmt"
	"sync"
	"time"

	"pikabin/encode/console"
	"pikabin/encode/health"
	"pikabin/encode/stats"
)

// Watch says what a run shows of itself while it lasts. The zero value shows nothing.
type Watch struct {
	Listen  string        // address of /metrics and /healthz; empty: they are not served
	Stalled time.Duration // after which a log that is not delivered is unhealthy; 0: the default of health
	Version string        // of the program
	Line    string        // when the status line is shown, see console.Status; empty: never
	Console *console.Console
}

// Begin shows how a run is doing, and how its logs are on the disk. end waits until nothing is shown any more.
func (w *Watch) Begin(ctx context.Context, counted *stats.Stats, logs func() []health.LogStatus) (end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	m := health.New(health.Options{Stats: counted, Source: logs, Stalled: w.Stalled, Version: w.Version})
	var shown sync.WaitGroup
	if err := w.serve(ctx, &shown, m); err != nil {
		cancel()
		return nil, err
	}
	var line *console.Status
	if w.Line != "" {
		line = w.Console.Status(w.Line)
	}
	if line != nil {
		shown.Go(func() { m.Watch(ctx, line.Show) })
	}
	return func() {
		cancel()
		shown.Wait()
		line.Finish()
	}, nil
}

func (w *Watch) serve(ctx context.Context, serving *sync.WaitGroup, m *health.Monitor) error {
	if w.Listen == "" {
		return nil
	}
	l, err := health.Listen(ctx, w.Listen)
	if err != nil {
		return &RefusedError{reason: err.Error()}
	}
	w.Console.Info(fmt.Sprintf("serving /metrics and /healthz on %s", l.Addr()))
	serving.Go(func() {
		if err := health.Serve(ctx, l, m); err != nil {
			w.Console.Warn(err.Error())
		}
	})
	return nil
}

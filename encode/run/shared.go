package run

import (
	"cmp"
	"context"
	"time"

	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/claim"
)

// Shared is a state that several hosts share.
type Shared struct {
	claim.Options
	Host     string            // the name of this one
	Every    time.Duration     // how often the state is saved where the output is not of whole parts
	Settings map[string]string // what else names and bytes of the output depend on, by the names of the flags
	Close    func()            // lets go of the store
}

// looked is a shared state that is looked at, and kept as it is.
type looked struct {
	name  string
	state checkpoint.State
}

// look reads the state, whoever holds it.
func (s *Shared) look(ctx context.Context) (StateStore, error) {
	state, _, err := claim.Peek(ctx, s.Options)
	return &looked{name: s.Name, state: state}, err
}

// Path implements StateStore.
func (l *looked) Path() string { return l.name }

// State implements StateStore.
func (l *looked) State() (checkpoint.State, bool) { return l.state, !l.state.IsNew() }

// Save implements StateStore.
func (*looked) Save(checkpoint.State) error { return nil }

// Close implements StateStore.
func (*looked) Close() error { return nil }

// claim makes the state that of this run, as soon as nobody else has it, or, to stand by, when nobody has it any more.
func (r *running) claim(ctx context.Context) (StateStore, error) {
	target := r.Output.Target()
	if err := r.show(context.WithoutCancel(ctx)); err != nil { // a run that waits for long is asked, too
		return nil, err
	}
	o := r.Shared.Options
	o.Tell, o.Answers = r.Tell.Info, r.Encode.Stats.Answers
	if r.Follow && target.Standby && !target.Whole {
		r.Tell.Warn("with --standby this output has events at least once: after a change of runs all comes again since the last save")
	}
	var err error
	if target.Standby {
		r.held, err = claim.StandBy(ctx, o, func(s checkpoint.State) error { return r.standsBy(ctx, s) })
		r.Encode.Stats.StandsBy(false)
	} else {
		r.held, err = claim.Take(ctx, o)
	}
	if err != nil {
		return nil, err
	}
	r.Encode.Stats.Claims(r.held.Term())
	return r.held, nil
}

// standsBy begins to wait. A run that could not continue from the state is refused now, and not when it is needed. What this host has left that is counted
// is shown: it alone may have it.
func (r *running) standsBy(ctx context.Context, s checkpoint.State) error {
	p, err := newPlaces(&looked{name: r.Shared.Name, state: s}, r.Sources)
	if err != nil {
		return err
	}
	if err := r.checkOutput(ctx, p); err != nil {
		return err
	}
	r.Encode.Stats.StandsBy(true)
	if left := r.Output.Target().Left; left != nil {
		if err := left(ctx, s.Note, r.Shared.Host); err != nil {
			r.Tell.Warn(err.Error())
		}
	}
	return nil
}

// counted takes out of the result what was delivered and is not counted: the run that has the turn now delivers it.
func (r *running) counted(result *encode.Result) {
	state, _ := r.held.State()
	for log := range result.Committed {
		result.Committed[log] = cmp.Or(state.DBs[log.String()], r.begun[log].Mark).Position
	}
}

// every is how often a checkpoint is taken. Whole parts are counted when they are complete, however often that is looked for; of other outputs each
// save is a version that the store may keep.
func (r *running) every() time.Duration {
	if r.Output.Target().Whole {
		return 0
	}
	return r.Shared.Every
}

// guarding ends the run when the state is not this run's any more, until the function that it returns is called.
func (r *running) guarding(abandon context.CancelCauseFunc) (end func()) {
	ended := make(chan struct{})
	go func() {
		select {
		case <-r.held.Lost():
			abandon(r.held.Err())
		case <-ended:
		}
	}()
	return func() { close(ended) }
}

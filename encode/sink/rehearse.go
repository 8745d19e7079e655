package sink

import (
	"context"

	"pikabin/encode/checkpoint"
)

// Rehearser is an Output that can tell what Open would do without doing any of it, for dry runs. One that Open would refuse is refused with the same
// error. What is only found out by writing is not.
type Rehearser interface {
	Rehearse(ctx context.Context, e Env) (Rehearsal, error)
}

// Rehearsal is what Open would do.
type Rehearsal struct {
	Text      string                     // for the user, after the name of the output
	Keeps     bool                       // the sink would be a Transactional
	Positions map[string]checkpoint.Mark // as in Found
}

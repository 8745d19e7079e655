package cli

import (
	"fmt"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/exit"
	"pikabin/encode/run"
)

// TestExitCodesOfStates: what a run says when its state is not to be used.
func TestExitCodesOfStates(t *testing.T) {
	for want, list := range map[int][]error{
		exit.Other:   {&checkpoint.NewerError{}},
		exit.Usage:   {&run.OtherLogError{Err: &decode.RewrittenError{}}, &run.OtherOutputError{}},
		exit.Corrupt: {&checkpoint.DamagedError{Err: io.EOF}},
		exit.Gone:    {&decode.RewrittenError{}},
		exit.Locked:  {&checkpoint.LockedError{}},
	} {
		for _, err := range list {
			if got := exit.Code(fmt.Errorf("opening: %w", err)); got != want {
				t.Errorf("%T: %d, want %d", err, got, want)
			}
		}
	}
}

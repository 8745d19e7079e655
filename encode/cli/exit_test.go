package cli

import (
	"fmt"
	"io"
	"testing"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// TestExitCodesOfStates: what a run says when its state is not to be used.
func TestExitCodesOfStates(t *testing.T) {
	for want, list := range map[int][]error{
		ExitOther:   {&checkpoint.NewerError{}},
		ExitUsage:   {&checkpoint.OtherLogError{Err: &decode.RewrittenError{}}, &checkpoint.OtherOutputError{}},
		ExitCorrupt: {&checkpoint.DamagedError{Err: io.EOF}},
		ExitGone:    {&decode.RewrittenError{}},
		ExitLocked:  {&checkpoint.LockedError{}},
	} {
		for _, err := range list {
			if got := exitCode(fmt.Errorf("opening: %w", err)); got != want {
				t.Errorf("%T: %d, want %d", err, got, want)
			}
		}
	}
}

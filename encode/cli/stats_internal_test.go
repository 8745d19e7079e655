package cli

import (
	"io/fs"
	"syscall"
	"testing"

	"pikabin/encode/cli/exit"
	"pikabin/encode/sink"
)

// TestNoRoomForThePage: a page that has no room is an output that failed, and not a run that was interrupted.
func TestNoRoomForThePage(t *testing.T) {
	full := &fs.PathError{Op: "write", Path: "page.html", Err: syscall.ENOSPC}
	err := pageError(&sink.FullError{Path: "page.html", Err: full})
	if got, want := err.Error(), "writing the output: "+full.Error(); exit.Code(err) != exit.Sink || got != want {
		t.Errorf("exit code %d: %s, want %s", exit.Code(err), got, want)
	}
}

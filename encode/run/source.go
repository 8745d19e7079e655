package run

import (
	"context"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/health"
)

// Log is a log before it is read.
type Log interface {
	ID() *decode.Log

	// HistoryStart is the beginning of the present history.
	HistoryStart() decode.Position

	// Resolve finds the place that a user named.
	Resolve(ctx context.Context, w decode.Where) (decode.Position, error)

	// Fence is the fingerprint of what is before a position, and CheckFence compares it with an earlier one: the errors are
	// *decode.RewrittenError, *decode.BeyondError, a decode.Hole where the place is gone, and those of the disk.
	Fence(ctx context.Context, p decode.Position) (decode.Fence, error)
	CheckFence(ctx context.Context, p decode.Position, want decode.Fence) error

	// Peek gives the first chunk at a position to look, as long as that lasts; none at the end of the log.
	Peek(ctx context.Context, p decode.Position, look func(*decode.Chunk) error) error

	// Refresh looks once more.
	Refresh() error
}

// Place is where the reading of a log starts.
type Place struct {
	Mark   checkpoint.Mark
	Before decode.Hole // what is missing between Mark and the first record that is read; nil: nothing
	Saved  bool        // an earlier run has left it
	Why    string      // for the user: the position, and who says so
}

// From is where the first record is read.
func (p *Place) From() decode.Position {
	if p.Before == nil {
		return p.Mark.Position
	}
	_, _, to := p.Before.Hole()
	return to
}

// Begin decides where a log is read from. A source asks for each log before its first chunk, again where it could not open the log
// at the place, and gives Place.Before out first. late says that the log was not there when the run started.
type Begin func(ctx context.Context, l Log, late bool) (Place, error)

// Group knows which servers the logs are of, by an id that all servers have which replicate each other.
type Group interface {
	// Expect says of which the saved positions are, before the logs are asked for their fences; empty: it is not known.
	Expect(id string)

	// Present is that of the logs as they are read; empty: there is none.
	Present() string
}

// Source is what a run reads. Next and Close are for one goroutine at a time, the others for any.
type Source interface {
	// Next gives the next chunk of any log, each log in its order, with what is missing in its place, and io.EOF at the end
	// and after Stop.
	Next(ctx context.Context) (decode.Chunk, error)

	// Stop ends the reading.
	Stop()

	// Delivered tells how far each log has been delivered and saved.
	Delivered(marks map[*decode.Log]checkpoint.Mark)

	// Status are the logs as they are now, but for where their reading started, which the run knows.
	Status() []health.LogStatus

	// Close lets go of everything. The chunks that were handed out stay readable until their release.
	Close() error
}

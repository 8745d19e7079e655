package encode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/vfs"
	"pikabin/formats"
)

// Sink delivers batches. Write may return before delivery. It calls done exactly once, from any
// goroutine, with nil when the batch is durable as far as the sink promises; the batch belongs to the
// sink until then. Batches are written in log order and may finish in any order. Write may block:
// that is what stops the reading when the receiver is slow. A batch must not wait for the next one or for
// Close: there is no next one while the bytes in flight are at their bound. A context that has ended says that
// nothing more is read; what is written may still be delivered.
type Sink interface {
	Write(ctx context.Context, b *Batch, done func(error))

	// Close delivers what is still under way. No done is called after it has returned.
	Close(ctx context.Context) error
}

// Watched is a sink that can find out that it has failed while nothing is written.
type Watched interface {
	Sink

	// Gone receives the error. The run ends with it.
	Gone() <-chan error
}

// Ending is a sink that gives up by itself, and leaves nothing open, when it cannot deliver what is under way in a time of its own after
// SinkOptions.Stop was closed.
type Ending interface {
	Sink
	EndsInTime()
}

// Keeper is a sink of which the output outlives the run, and which can go on with it: the state holds a note of how far it
// had come. Its Write calls done as soon as it has no more need of the batch, in the order of the writes; what is durable
// Flush says. Flush and Kept may be called while Write runs.
type Keeper interface {
	Sink

	// Flush makes durable what Write has accepted. It returns how many writes that are since the last Flush that
	// succeeded, and a note that encoding/json can write, of the output as it is behind the last of them. A write that
	// failed, and what comes behind it, is not among them. complete says that a part that has been begun is to be
	// completed, however small it is.
	Flush(ctx context.Context, complete bool) (note any, writes int, err error)

	// Kept says that the state with a note of Flush is on the disk, with the positions that belong to it: what is
	// complete by that note may be shown to consumers now. Where no state is kept it is called all the same. After an
	// error the run ends, or Flush and Kept are called again.
	Kept(ctx context.Context, note any) error

	// Rolled receives when Flush and Kept have something to do before their time.
	Rolled() <-chan struct{}
}

// Parted is a sink of several outputs, each of one log. What tells of the log in the formats that need it, stands at the
// beginning of each, and not where the log changes.
type Parted interface {
	Sink

	// SetHeader is called before the first Write. The function may be called by Write, and gives what an output begins with.
	SetHeader(header func(*decode.Log) []byte)
}

// Continued is a Keeper whose output may hold something already that a run goes on behind.
type Continued interface {
	Keeper

	// DB is the one that the output was last switched to, before the first Write.
	DB() string

	// Begun reports whether the output holds anything, before the first Write.
	Begun() bool
}

// Messenger is a sink that delivers each change by itself: Batch.Messages says where each is in Data, which holds them
// bare, see formats.Options. Nothing is compressed for it.
type Messenger interface {
	Sink
	Messages()
}

// Positioner is a sink whose output holds how far it has come, in one transaction with what it has come by.
type Positioner interface {
	Sink

	// Positions are the places to go on from, by the names of the logs, see decode.Log.String.
	Positions() map[string]checkpoint.Mark

	// Begin keeps where a run begins, before the first Write: a run that goes on when nothing has been delivered yet has to begin there,
	// too, and not at what is the end of the log then.
	Begin(ctx context.Context, start map[*decode.Log]checkpoint.Mark) error

	// Pass says, between the writes, that a log was read up to a place without events that anybody wants. A run that goes on need not
	// read that again, which may be gone then.
	Pass(log *decode.Log, mark checkpoint.Mark)
}

// Noter is a sink that is no Keeper and has something to say in the state of what the positions there are of.
type Noter interface {
	Sink

	// Note is asked for with each state that is saved. It gives what encoding/json can write, nil if there is nothing.
	Note() any
}

// SinkOptions are what a sink has to know of the stream.
type SinkOptions struct {
	Target string    // what --output says
	Stdout io.Writer // the standard output that was handed in

	DBs         []string // of the logs, as far as they are known
	Format      formats.Format
	Compression Compression

	// Settings are options that the sink knows by their names, and go before those in Target. Only types of sink that say so
	// have any.
	Settings map[string]string

	// Belongs, if set, is told the name of an output that is reached in more than one way, which is the same in all of them,
	// before the output is touched. It refuses those that the state is not of.
	Belongs func(output string) error

	// Guard, if set, refuses files and folders that nothing may be written to. It is asked for those that Target does not name.
	Guard func(path string) error

	// Note is the one that the state holds, as JSON. With Resume and no note the state is a new one. Without Resume there
	// is no state, and the output is made anew.
	Resume bool
	Note   json.RawMessage

	// Roll says when a part of a folder is complete.
	Roll Roll

	// Disk is the file system; nil: that of the machine.
	Disk vfs.FS

	// Warn takes a line for the user, from any goroutine.
	Warn func(text string)

	// Waits, if set, is told why the sink cannot go on now and tries again, at each attempt, and with nil that it goes on; from
	// any goroutine. It is for Stats.Waits.
	Waits func(why error)

	// Oversized, if set, is called for each event that the output itself does not take, and that was put elsewhere.
	Oversized func()

	// StandsBy, if set, is told when the sink begins to wait until another run for the same output has ended, and when that is over.
	// It is for Stats.StandsBy.
	StandsBy func(bool)

	// Stop is closed when the run is to end, so that a sink stops waiting for what may never come, such as room on a disk.
	Stop <-chan struct{}
}

// SinkType is an entry of the registry of sinks.
type SinkType struct {
	Name      string // for help and README
	Form      string // how --output names it
	Doc       string // one line for help and README
	Delivered string // what "delivered" means
	Crash     string // what comes again after a crash

	// Matches says whether the sink is meant by a value of --output.
	Matches  func(target string) bool
	Settings bool // whether it has options besides
	Open     func(o SinkOptions) (Sink, error)
}

var sinks []SinkType

func registerSink(s SinkType) {
	sinks = append(sinks, s)
	slices.SortFunc(sinks, func(a, b SinkType) int { return strings.Compare(a.Name, b.Name) })
}

// Sinks lists the kinds of sink, sorted by name.
func Sinks() []SinkType { return slices.Clone(sinks) }

// OpenSink opens the sink that a value of --output means.
func OpenSink(o SinkOptions) (Sink, error) {
	for _, s := range sinks {
		if s.Matches(o.Target) {
			return s.Open(o)
		}
	}
	return nil, fmt.Errorf("output %q: no sink has this form", o.Target)
}

// TargetError is a value of --output that cannot be meant, or what goes with it.
type TargetError struct{ Err error }

// Error says what is wrong with it.
func (e *TargetError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *TargetError) Unwrap() error { return e.Err }

// StoppedError is an output that was not there yet when the run was told to end. Nothing was written.
type StoppedError struct{ Err error }

// Error says what was waited for.
func (e *StoppedError) Error() string {
	return fmt.Sprintf("told to end before the output was open: %v", e.Err)
}

// Unwrap gives the cause.
func (e *StoppedError) Unwrap() error { return e.Err }

// errStopped is why a wait ends when SinkOptions.Stop is closed.
var errStopped = errors.New("told to end")

// SinkError is a failure of the sink: what was read is fine, what is behind the committed position has
// not been delivered.
type SinkError struct{ Err error }

// Error says that it was the output.
func (e *SinkError) Error() string { return fmt.Sprintf("writing the output: %v", e.Err) }

// Unwrap gives the cause, such as EPIPE or ENOSPC.
func (e *SinkError) Unwrap() error { return e.Err }

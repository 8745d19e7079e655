package sink

import (
	"time"

	"pikabin/decode"
	"pikabin/encode/checkpoint"
)

// Opened is an output that is open.
type Opened struct {
	Sink   Sink
	Traits Traits
	Found  Found
}

// Traits say what a sink asks of the engine and of the run. The zero value asks for nothing.
type Traits struct {
	// Messages asks for Batch.Messages: the sink delivers each change by itself. Data holds them bare then, see formats.Options, and
	// nothing is compressed.
	Messages bool

	// Lead, with Messages, is put before each message. The sink replaces it in Batch.Data by what tells the message's schema, as the message
	// itself does not then.
	Lead []byte

	// PerLog says that there is an output for each log, so that Env.Header is at the beginning of each, and nothing in the stream
	// tells of another DB.
	PerLog bool

	// Loose asks for batches that are small as they are, though the output is compressed: the sink puts them together, and
	// makes frames of them by Env.Frames.
	Loose bool

	// Zone asks for Batch.Pieces, which part a batch by the hours of its events there.
	Zone *time.Location

	// Drain is how long the sink may take to deliver what is under way once the run was told to end. Zero: the run's default.
	Drain time.Duration

	// Failed receives an error that the sink has found while nothing is written. The run ends with it.
	Failed <-chan error

	// Whole, if set, is called when all that the run was to read has been written: before Close and the last Flush, and perhaps while Saved runs.
	Whole func()

	// Shown, if set, is asked at the end of a run that keeps no state, after Close: no later run will show what is hidden. It moves the places up to
	// which everything was written back to those up to which a consumer can see it.
	Shown func(marks map[*decode.Log]checkpoint.Mark)

	// Note, if set, is asked for with each state that is saved, by a sink that is not Resumable and has something to say of what
	// the positions are of. It gives what encoding/json can write.
	Note func() any
}

// Found is what an output knows of earlier runs. The zero value is that of a new one.
type Found struct {
	DB        string                     // that the stream in it was last switched to; empty: decode.FirstDB
	NotEmpty  bool                       // the stream continues after something
	Positions map[string]checkpoint.Mark // of a Transactional: where logs are to be continued, by their names, see decode.Log.String
}

package sink

import (
	"encoding/json"
	"io"
	"time"

	"pikabin/encode/vfs"
)

// Options are what a sink has to know of the stream.
type Options struct {
	Target string    // what --output says
	Stdout io.Writer // the standard output that was handed in

	DBs         []string // of the logs, as far as they are known
	Format      string   // its name
	Ext         string   // what the names of files end in
	ContentType string   // of the messages
	Compressed  bool     // the batches are

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

	// Owner is the path of the state's file; empty: there is none. A folder belongs to one state.
	Owner string

	// Frames, if set, makes the frames of batches that are Loose, which a sink puts together until the state is saved or a part ends.
	Frames Framer

	// Roll says when a part of a folder is complete.
	Roll Roll

	// Disk is the file system; nil: that of the machine.
	Disk vfs.FS

	// Warn takes a line for the user, from any goroutine.
	Warn func(text string)

	// Waits, if set, is told why the sink cannot go on now and tries again, at each attempt, and with nil that it continues; from
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

// Framer compresses. It belongs to one goroutine at a time.
type Framer interface {
	// AppendFrame appends an independent frame of src.
	AppendFrame(dst, src []byte) []byte
}

// Type is a row of the table of outputs.
type Type struct {
	Name      string // for help and README
	Form      string // how --output names it
	Doc       string // one line for help and README
	Delivered string // what "delivered" means
	Crash     string // what comes again after a crash

	// Matches says whether the sink is meant by a value of --output.
	Matches  func(target string) bool
	Settings bool // whether it has options besides
	Open     func(o Options) (Sink, error)
}

// Roll says when a part of a folder is complete. A part is of one DB and one segment in any case.
type Roll struct {
	Size     int64          // bytes; 0: no bound
	Interval time.Duration  // since the first write; 0: no bound
	Hive     *time.Location // parts lie in folders by DB, day and hour of their events in this zone; nil: in one folder

	// Live says that the events are of now, so that the clock, too, tells when an hour is over, if none come that would.
	Live bool
}

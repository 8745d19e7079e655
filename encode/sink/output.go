package sink

import (
	"context"
	"encoding/json"
	"io"
	"slices"
	"time"

	"pikabin/decode"
	"pikabin/encode/frame"
	"pikabin/encode/vfs"
)

// Type is a row of the table of outputs.
type Type struct {
	Name      string // for help and README
	Form      string // how --output names it
	Doc       string // one line for help and README
	Delivered string // what "delivered" means
	Crash     string // what comes again after a crash

	Settings  []Setting       // flags that are for this output alone
	Variables func() []string // names of environment variables that it takes besides those of the flags; nil: none

	// Parse makes an output of a value of --output and of settings by their names, which go before what the value says. ok tells whether
	// the value has the form of this type. Nothing is opened or touched.
	Parse func(target string, settings map[string]string) (o Output, ok bool, err error)
}

// Has tells whether a setting is one of the type's.
func (t *Type) Has(setting string) bool {
	return slices.ContainsFunc(t.Settings, func(s Setting) bool { return s.Name == setting })
}

// Setting is a flag that is for one type of output.
type Setting struct {
	Name        string
	Placeholder string // of the value; empty: the flag is on or off, and its value is "true"
	Help        string
}

// Standby is the setting of outputs that several hosts can write in turn.
var Standby = Setting{Name: "standby", Help: "Wait until no other run writes, and take over. It needs a --state that several hosts share, or for Kafka --exactly-once."}

// Output is a value of --output that has been understood.
type Output interface {
	// Target is what is known before anything is opened.
	Target() Target

	// Identity is the name of what is written to, the same in whatever way it is reached: an absolute path, or a cluster and a topic. A
	// state belongs to one. It may ask others, and says then why it waits. It changes nothing.
	Identity(ctx context.Context, m Monitor) (string, error)

	// Open opens it. From then on something may have been made or emptied. The end of the context ends the waiting for others.
	Open(ctx context.Context, e Env) (Opened, error)
}

// Target is what is known of an output before it is opened.
type Target struct {
	Paths  []string // what is written on this machine; folders end in a slash
	File   string   // the file that holds the stream, whose name tells its format and compression; empty: there is none such
	Stdout bool     // the stream goes to standard output
	Parts  bool     // files are shown when they are complete, so that they can be made of all their messages then

	// Standby says that the run waits until no other one writes, where several hosts share the state. Whole says that what this output shows is whole
	// parts that the state counts: then each event is there once, whoever writes.
	Standby bool
	Whole   bool

	// Left, if set, shows what an earlier run on this host has left that the note of the present state counts, while this run still stands by.
	Left func(ctx context.Context, note json.RawMessage, host string) error

	// Keeps says that the output keeps the places of the log, so that a later run continues there.
	Keeps bool

	// First says that the output is opened before the logs, since it may hold the places where they are to be continued, and may have
	// to be waited for. Others are opened once nothing can refuse the run any more.
	First bool

	// Takes, if set, asks what the output is to be given, which is then no matter of the user's. It may ask others, and says then why it waits.
	Takes func(ctx context.Context, m Monitor) (Takes, error)
}

// Takes is what an output is to be given.
type Takes struct {
	Format  string // its name
	Server  bool   // for a server that runs, see formats.Options
	Cluster bool   // for one that is a cluster, see formats.Options
}

// Env is what an output is given when it is opened.
type Env struct {
	Stdout io.Writer // the standard output that was handed in
	Disk   vfs.FS    // nil: that of the machine

	DBs     []string // of the logs, as far as they are known
	Format  string   // its name
	Ext     string   // what the names of files end in
	Content string   // content type of the messages
	Schema  string   // of the messages, as text; empty: they have none

	Held int64 // how many milliseconds deadlines are put off by, see formats.Held; 0: they are not

	// Head is what each file begins with, as it is. With Traits.PerLog the sink writes it; else it is in the stream.
	Head []byte

	// Header gives what an output of one log begins with after that, not compressed. Nil: with nothing.
	Header func(log *decode.Log) []byte

	// Frames compresses, for the sink alone; nil: the stream is not compressed. Inside says that the format has files of its own, which Frames makes: what
	// is no file has no use for it.
	Frames frame.Compressor
	Inside bool

	// Seal gives what makes files where these can only be made of all their messages; nil: what is written is the file. noDB leaves the DB out, for files
	// in folders that have it in their names.
	Seal func(noDB bool) (Sealer, error)

	// Note is the one that the state holds, as JSON. With Resume and no note the state is a new one. Without Resume there
	// is no state, and the output is made anew.
	Resume bool
	Note   json.RawMessage

	// Term says that several hosts share the state, and how often one of them has begun to write: parts are counted whole, under hidden names with
	// the term in them. 0: it is of one host. Host is the name of this one.
	Term uint64
	Host string

	State   string          // the path of the state's file, or the name of what several hosts share; empty: there is none
	Live    bool            // the events are of now: they come as they happen, and the clock tells when an hour is over
	Monitor Monitor         // nil: nobody is told
	Stop    <-chan struct{} // closed when the run is to end, so that a sink stops waiting for what may never come
}

// Sealer makes a file of all its messages. The same ones always become the same bytes. Several goroutines may make files at a time.
type Sealer interface {
	Seal(ctx context.Context, rows io.Reader, file io.Writer) error
}

// Watched is the monitor, which is not nil.
func (e *Env) Watched() Monitor {
	if e.Monitor == nil {
		return nobody{}
	}
	return e.Monitor
}

// Monitor is told how an output is doing, from any goroutine.
type Monitor interface {
	// Warn takes a line for the user.
	Warn(text string)

	// Waits says why the sink cannot continue now and tries again, at each attempt, and with nil that it continues.
	Waits(why error)

	// StandsBy says that the sink begins to wait until another run for the same output has ended, and when that is over.
	StandsBy(now bool)

	// Spooled says what waits in a spool, whenever that changes.
	Spooled(s Spooled)

	// Oversized counts an event that the output itself does not take, and that was put elsewhere.
	Oversized()

	// Count adds to a counter: that of a topic, or of a way in which transactions end.
	Count(c Counter, label string, n int64)
}

// Spooled is what an output has taken, durably, and not passed on yet. The zero value is that of one that has passed on everything.
type Spooled struct {
	Parts int
	Bytes int64
	Since time.Time // of the oldest
	Err   error     // why the last attempt to pass some of it on has failed; nil: it has not
}

// Counter is what an output counts itself, for each value of a label.
type Counter uint8

// The counters.
const (
	TopicRecords  Counter = iota // that a topic has taken
	TopicBytes                   // of them
	TopicWire                    // of them, compressed
	Transactions                 // by how they have ended
	CounterNumber                // how many there are
)

type nobody struct{}

func (nobody) Warn(string)     {}
func (nobody) Waits(error)     {}
func (nobody) StandsBy(bool)   {}
func (nobody) Oversized()      {}
func (nobody) Spooled(Spooled) {}

func (nobody) Count(Counter, string, int64) {}

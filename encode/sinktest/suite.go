package sinktest

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pikabin/decode/binlogtest/sample"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
	"pikabin/formats"
)

// Suite is what every output has to do. An output calls Run in the tests of its own package.
type Suite struct {
	Type     sink.Type
	Target   string // the value of --output; relative to a disk of the test's own
	Settings map[string]string
	Compress string // as --compress; empty: none
	Live     bool   // as for a tail: small batches are put together
	Framed   bool   // in files of a head and frames, which have a compression of their own
	Sealed   bool   // in files that can only be made of all their messages
	Shared   bool   // with a state that several hosts share, of which each run has a term of its own

	// Format is that of the events, for outputs that take no lines as they are; without a name it is Lines.
	Format formats.Format

	Most int // calls at which something happens, spread over all; 0: as many as there are

	// Unordered says that the output sorts the records of a log, such as by their hours.
	Unordered bool

	// Elsewhere, if set, makes a place that is no disk: the value of --output, and what reads the events that are there.
	Elsewhere func(t *testing.T) (target string, read func() []byte)

	// Store, if set, makes a place for parts that is no disk; the disk holds what is staged for it.
	Store func(t *testing.T) Store

	// Refuses are changes of what was written that a later run has to refuse, and what it has to say of them. It touches nothing.
	Refuses map[string]Damage
}

// Damage is a change of what an output has written.
type Damage struct {
	Change func(mem *vfstest.Mem)
	Want   string // in the error
}

// Run runs the suite: order, each batch done and released once, and for outputs that can be continued a crash, an error and a full
// disk at each call, a run that is stopped by a full disk, a run without news, damage of what was written, and runs without a state.
func (s Suite) Run(t *testing.T) {
	t.Helper()
	t.Run(s.String(), func(t *testing.T) {
		t.Parallel()
		logs, writers := HourlyLogs(t)
		whole := newJourney(t, &s, logs, writers)
		if err := whole.run(); err != nil {
			t.Fatal(err)
		}
		whole.check("at the end")
		if !whole.portioned {
			t.Error("no record has come in portions")
		}
		if !whole.resumable {
			return
		}
		whole.nothingNew()
		for name, test := range map[string]func(t *testing.T, whole *journey){
			"store crash": storeCrashes, "store trouble": storeTrouble,
			"crash": crashes, "error": fails, "no room": waitsForRoom, "stopped without room": endsWithoutRoom, "another output": refuses, "without a state": withoutState,
		} {
			t.Run(name, func(t *testing.T) {
				if strings.HasPrefix(name, "store") && s.Store == nil {
					t.Skip("there is no store")
				}
				t.Parallel()
				test(t, whole)
			})
		}
	})
}

// String names the case.
func (s *Suite) String() string {
	return strings.TrimSpace(fmt.Sprintf("%s %s %v live %t framed %t sealed %t", s.Target, s.Compress, slices.Collect(maps.Values(s.Settings)), s.Live, s.Framed, s.Sealed))
}

// Open opens an output by its value of --output.
func Open(t *testing.T, typ sink.Type, target string, settings map[string]string, e sink.Env) (sink.Opened, error) {
	t.Helper()
	o, ok, err := typ.Parse(target, settings)
	if err != nil {
		return sink.Opened{}, err
	}
	if !ok {
		return sink.Opened{}, fmt.Errorf("%q has not the form of %s", target, typ.Form)
	}
	return o.Open(t.Context(), e)
}

// place is where the output of one journey goes.
type place struct {
	target string
	stdout *bytes.Buffer
	read   func() []byte // nil: what is on the disk
	store  Store         // nil: parts are on the disk
}

func (s *Suite) place(t *testing.T) place {
	t.Helper()
	p := place{target: s.Target, stdout: &bytes.Buffer{}}
	switch {
	case s.Store != nil:
		p.store = s.Store(t)
		p.target = p.store.Target()
	case s.Elsewhere != nil:
		p.target, p.read = s.Elsewhere(t)
	case s.Target == "-":
		p.read = p.stdout.Bytes
	}
	return p
}

// some are as many of the calls as there may be.
func (s *Suite) some(calls []int) []int {
	if s.Most > 0 {
		calls = sample.Spread(calls, s.Most)
	}
	return sample.Of(calls, fewCalls)
}

// fewCalls is how many there are with -short.
const fewCalls = 15

// writes are the calls of a run that write, or as many of them as there may be.
func (j *journey) writes() (all []int) {
	for k := range j.mem.Calls() {
		if j.isWrite(k + 1) {
			all = append(all, k+1)
		}
	}
	return j.suite.some(sample.Spread(all, manyWrites))
}

// manyWrites is how many of them there may be at most.
const manyWrites = 40

// share is every third of the calls of a run, if there are many. Outputs that differ in their compression alone make the same calls, and share
// them.
func (j *journey) share() []int {
	const few = 60
	first, step := 1, 1
	if len(j.mem.Calls()) > few {
		first, step = 1+map[string]int{"zstd": 1, "gzip": 2}[j.suite.Compress], 3
	}
	return j.suite.some(sample.Numbers(first, len(j.mem.Calls()), step))
}

package sinktest

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlog"
	"pikabin/decode/binlogtest"
	"pikabin/encode"
	"pikabin/encode/checkpoint"
	"pikabin/encode/frame"
	"pikabin/encode/sink"
	"pikabin/encode/vfs/vfstest"
)

// journey is one output through several runs: what the state holds, and what consumers have seen.
type journey struct {
	t       *testing.T
	suite   *Suite
	logs    []*binlog.Log
	writers []*binlogtest.Writer
	want    []string  // of each log
	plain   *sync.Map // the text of what a file held, of all the journeys of a suite: most of their files are the same
	place   place
	mem     *vfstest.Mem
	monitor *Monitor
	stop    chan struct{} // nil: the run continues to the end

	start     map[*decode.Log]checkpoint.Mark // of the state
	note      []byte
	seen      map[string]string // the parts that a consumer has seen
	resumable bool
	inside    bool                            // the last batch was of a record that comes in portions
	portioned bool                            // some batch was
	told      map[*decode.Log]decode.Position // what the last run said that it has delivered
	stateless bool                            // no state is kept: nothing is there to continue from
	term      uint64
}

func newJourney(t *testing.T, s *Suite, logs []*binlog.Log, writers []*binlogtest.Writer) *journey {
	t.Helper()
	j := (&journey{suite: s, logs: logs, writers: writers, plain: &sync.Map{}}).again(t)
	for i, w := range writers {
		j.want = append(j.want, string(WantOf(fmt.Sprintf("db%d", i), w)))
	}
	return j
}

func (j *journey) notePortion(is bool) {
	j.inside, j.portioned = is, j.portioned || is
}

// again is a journey of its own, in another place, with the same logs.
func (j *journey) again(t *testing.T) *journey {
	t.Helper()
	return &journey{
		t: t, suite: j.suite, logs: j.logs, writers: j.writers, want: j.want, plain: j.plain, place: j.suite.place(t), mem: vfstest.New(), monitor: &Monitor{},
		start: map[*decode.Log]checkpoint.Mark{}, seen: map[string]string{},
	}
}

// run continues from what the state holds.
func (j *journey) run() error {
	compression, err := frame.Parse(cmp.Or(j.suite.Compress, "none"))
	if err != nil {
		return err
	}
	o := encode.Options{Format: Lines(), Compression: compression, Workers: 2, Save: j.save, Fences: true, Stop: j.stop, Portion: portion}
	switch {
	case j.suite.Format.Name != "":
		o.Format = j.suite.Format
	case j.suite.Framed:
		o.Format = FramedLines()
	case j.suite.Sealed:
		o.Format = SealedLines()
	}
	frames, err := o.Frames()
	if err != nil {
		return err
	}
	head, err := o.Head()
	if err != nil {
		return err
	}
	e := sink.Env{
		Stdout: j.place.stdout, Disk: j.mem, Format: "lines", Ext: ".jsonl" + compression.Ext(), Resume: true, Note: j.note, State: "state",
		Head: head, Inside: o.Format.File != nil, Live: j.suite.Live, Monitor: j.monitor, Stop: j.stop,
	}
	if j.suite.Shared && !j.stateless {
		j.term++
		e.Term, e.Host = j.term, "host"
	}
	if frames != nil {
		e.Frames = frames
	}
	if j.suite.Sealed {
		e.Seal = func(noDB bool) (sink.Sealer, error) { return o.Sealer(noDB) }
	}
	if j.stateless {
		e.Resume, e.State = false, ""
		o.Save, o.Fences = nil, false
	}
	to, err := Open(j.t, j.suite.Type, j.place.target, j.suite.Settings, e)
	if err != nil {
		return err
	}
	_, j.resumable = to.Sink.(sink.Resumable)
	result, err := encode.Run(j.t.Context(), j.source(), inspect(j.t, to, j.notePortion), o)
	j.told = result.Committed
	return err
}

// unpack is the text of a file.
func (j *journey) unpack(data string) []byte {
	j.t.Helper()
	text, ok := j.plain.Load(data)
	if !ok {
		text = j.unpackAnew([]byte(data))
		j.plain.Store(data, text)
	}
	return text.([]byte)
}

func (j *journey) unpackAnew(data []byte) []byte {
	j.t.Helper()
	switch {
	case j.suite.Framed:
		return unframe(j.t, data)
	case j.suite.Sealed:
		return unseal(j.t, data)
	}
	return Unpack(j.t, j.suite.Compress, [][]byte{data})
}

// source gives the logs in turn, from where the state says.
func (j *journey) source() *Source {
	source := &InTurn{}
	for _, l := range j.logs {
		from := l.Start()
		if mark, ok := j.start[l.ID()]; ok {
			from = mark.Position
		}
		p := l.Chunks(from, l.Committed(), binlog.PlanOptions{ChunkSize: 1 << 16})
		PlanOf(j.t, p)
		source.Plans = append(source.Plans, p)
	}
	return &Source{Chunks: source, Marks: maps.Clone(j.start)}
}

// save is a state that is as durable as can be; a process that has crashed saves nothing.
func (j *journey) save(c encode.Checkpoint) error {
	if j.mem.Crashed() {
		return vfstest.ErrCrashed
	}
	j.start, j.note = c.Marks, c.Note
	return nil
}

// goOn runs on a copy of the journey with what is left of the disk.
func (j *journey) goOn(left *vfstest.Mem, when string) {
	j.t.Helper()
	next := *j
	next.mem, next.start, next.seen = left, maps.Clone(j.start), maps.Clone(j.seen)
	next.monitor, next.stop = &Monitor{}, nil
	if j.place.store != nil {
		next.place.store = j.place.store.Fork(j.t)
		next.place.target = next.place.store.Target()
	}
	next.look(when)
	if err := next.run(); err != nil {
		j.t.Fatalf("%s: %v", when, err)
	}
	next.check(when)
}

// nothingNew runs once more at the end of the logs.
func (j *journey) nothingNew() {
	j.t.Helper()
	before := j.files()
	if err := j.run(); err != nil {
		j.t.Fatal(err)
	}
	if diff := gocmp.Diff(before, j.files()); diff != "" {
		j.t.Errorf("with nothing new: %s", diff)
	}
}

// parts tells whether the output is of parts, each of which is whole when it can be seen.
func (j *journey) parts() bool { return strings.HasSuffix(j.suite.Target, "/") || j.place.store != nil }

// files are those that parts appear among: on the disk, or in the store.
func (j *journey) files() map[string]string {
	if j.place.store != nil {
		return j.place.store.Files()
	}
	return j.mem.Files()
}

// look remembers the parts that a consumer can see, and compares those that he has seen before.
func (j *journey) look(when string) {
	j.t.Helper()
	if !j.parts() {
		return
	}
	files := j.files()
	for _, name := range visible(files) {
		if was, ok := j.seen[name]; ok && was != files[name] {
			j.t.Fatalf("%s: %s has changed after it was seen", when, name)
		}
		j.seen[name] = files[name]
		j.unpack(files[name])
	}
}

// check compares all that was written with what should have been.
func (j *journey) check(when string) {
	j.t.Helper()
	j.look(when)
	for i, got := range LogByLog(j.written(when), len(j.want)) {
		want := j.want[i]
		if j.suite.Unordered {
			got, want = sortLines(got), sortLines(want)
		}
		if got != want {
			j.t.Fatalf("%s, db%d: %s", when, i, FirstDifference([]byte(got), []byte(want)))
		}
	}
}

// written is all that is there, in the order of the files' names.
func (j *journey) written(when string) (all []byte) {
	j.t.Helper()
	if j.place.read != nil {
		return j.unpack(string(j.place.read()))
	}
	for name := range j.mem.Files() {
		if isStaged(name) || j.place.store != nil && !j.stateless && !strings.HasPrefix(filepath.Base(name), ".") {
			j.t.Fatalf("%s: %s is left", when, name)
		}
	}
	return j.visibleText()
}

// visibleText is what consumers see, in the order of the files' names.
func (j *journey) visibleText() (all []byte) {
	j.t.Helper()
	files := j.files()
	for _, name := range visible(files) {
		all = append(all, j.unpack(files[name])...)
	}
	return all
}

// isStaged tells a file that is not complete, or not shown yet.
func isStaged(name string) bool {
	return strings.HasSuffix(name, ".part") || strings.HasSuffix(name, ".sealed")
}

// visible are the names of the files that consumers see, in the order of the logs.
func visible(files map[string]string) []string {
	names := slices.DeleteFunc(slices.Collect(maps.Keys(files)), func(name string) bool { return strings.HasPrefix(filepath.Base(name), ".") })
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(filepath.Base(a), filepath.Base(b)) })
	return names
}

func sortLines(text string) string {
	return strings.Join(slices.Sorted(strings.Lines(text)), "")
}

//go:build unix

package torture

import (
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/encode/checkpoint"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/cli/exit"
)

// scenario is a command line that is tortured.
type scenario struct {
	name    string
	command string // tail, if it is not said
	output  string // in the folder of the round; "" is standard output, appended to by each run
	args    []string
	writer  []string // flags of the writer besides the usual ones
	disk    bool     // the output lies on a small disk that fills up and gets room again
	purges  bool     // the server deletes segments before they were read, if the program does not keep them
	losing  bool     // records may be missing if a gap names them

	ends func(p *clitest.Program, code int) bool // tells other ends of a run that are all right
}

func (s *scenario) tails() bool  { return s.command != "convert" }
func (s *scenario) folder() bool { return strings.HasSuffix(s.output, "/") }

// tally counts what was done in rounds, and what was found.
type tally struct {
	rounds, runs, kills, stops, writerKills, full int
	records, repeated                             int
	gaps, lost                                    int
}

func (t *tally) add(o *tally) {
	t.rounds += o.rounds
	t.runs += o.runs
	t.kills += o.kills
	t.stops += o.stops
	t.writerKills += o.writerKills
	t.full += o.full
	t.records += o.records
	t.repeated += o.repeated
	t.gaps += o.gaps
	t.lost += o.lost
}

func (t *tally) String() string {
	return fmt.Sprintf("%d rounds, %d runs, %d kills, %d stops, %d writer kills, %d full disks; %d records, 0 missing, %d repeated, %d named missing in %d gaps",
		t.rounds, t.runs, t.kills, t.stops, t.writerKills, t.full, t.records, t.repeated, t.lost, t.gaps)
}

// round is one log, written to and followed through many kills until all of it is compared.
type round struct {
	*testing.T
	scenario
	tally
	dir    string
	out    string   // folder of output and state, that may be a disk of its own
	parts  []string // folders whose parts are the output, if that is a folder
	random *rand.Rand
	writer *process.Driver
	disk   *smallDisk // nil: room enough

	sections []section // of standard output
}

// section is what one run has put on standard output.
type section struct {
	begin, end    int64
	before, after checkpoint.State
	torn, stopped bool
}

// sizes of values: few bytes, a block's worth, and records over many blocks and chunks, at about the same bytes a second.
var writers = [][]string{
	{"--value-size", "10..200", "--rate", "8000"},
	{"--value-size", "10..4000", "--rate", "1500"},
	{"--value-size", "1000..300000", "--rate", "20"},
}

// newRound starts the writer. It ends by itself some time after a test that was killed.
func newRound(t *testing.T, s scenario, dir string, seed uint64) *round {
	t.Helper()
	r := &round{T: t, scenario: s, dir: dir, out: filepath.Join(dir, "out"), random: rand.New(rand.NewPCG(seed, uint64(crc32.ChecksumIEEE([]byte(s.name)))))}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		t.Fatal(err)
	}
	r.parts = []string{r.outputDir()}
	if s.disk {
		r.disk = newSmallDisk(t, r.out)
	}
	if err := os.MkdirAll(r.outputDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	args := slices.Concat([]string{
		"--db", "3", "--segment-size", "200000", "--region", "65536", "--duration", "20m",
		"--journal", r.journal(), "--seed", strconv.FormatUint(seed, 10),
	}, writers[r.random.IntN(len(writers))], s.writer)
	if s.purges {
		args = append(args, "--purge-keep", strconv.Itoa(keptSegments), "--segment-size", "100000")
	}
	r.writer = process.Start(t, r.log(), args...)
	return r
}

func (r *round) log() string             { return filepath.Join(r.dir, "log") }
func (r *round) journal() string         { return filepath.Join(r.dir, "journal") }
func (r *round) state() string           { return filepath.Join(r.out, "state") }
func (r *round) path(name string) string { return filepath.Join(r.out, name) }
func (r *round) stdout() string          { return filepath.Join(r.dir, "stdout") }
func (r *round) args(more ...string) []string {
	output := "-"
	switch {
	case strings.Contains(r.output, "://"):
		output = r.output
	case r.output != "":
		output = filepath.Join(r.out, r.output)
		if r.folder() {
			output += "/"
		}
	}
	command, args := "convert", []string(nil)
	if r.tails() {
		command, args = "tail", []string{"--idle-exit", "1m"}
	}
	if r.disk != nil {
		args = append(args, "--memory", strconv.Itoa(fullMemory))
	}
	if r.purges && !r.losing {
		args = append(args, "--pin", filepath.Join(r.dir, "pins"))
	}
	return slices.Concat([]string{command, r.log(), "--from", "start", "--state", r.state(), "-o", output}, args, r.scenario.args, more)
}

// run starts the program once more, always with the same command line, and hands it to what ends it.
func (r *round) run(end func(*clitest.Program), more ...string) {
	r.Helper()
	r.runs++
	stdout, err := os.OpenFile(r.stdout(), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		r.Fatal(err)
	}
	defer stdout.Close()
	s := section{begin: r.size(), before: r.load()}
	p := clitest.Start(r, stdout, r.args(more...)...)
	end(p)
	code := p.Wait()
	s.end, s.after = r.size(), r.load()
	s.torn, s.stopped = code == -int(syscall.SIGKILL), code == 0
	r.sections = append(r.sections, s)
	switch {
	case code == 0, code < 0, code == exit.Interrupted && !r.tails():
	case r.isFull() && p.Messages.Count("no space left") > 0:
	case r.ends != nil && r.ends(p, code):
	default:
		r.Fatalf("%v: exit code %d:\n%s", p.Cmd.Args, code, &p.Messages)
	}
}

func (r *round) isFull() bool { return r.disk != nil && r.disk.full }

func (r *round) size() int64 {
	r.Helper()
	info, err := os.Stat(r.stdout())
	if err != nil {
		r.Fatal(err)
	}
	return info.Size()
}

// load reads the state. At any moment it is whole.
func (r *round) load() checkpoint.State {
	r.Helper()
	s, _, err := checkpoint.Load(r.state())
	if err != nil {
		r.Fatal(err)
	}
	return s
}

// torture lets acts pass until there were so many kills, or no more time, and compares.
func (r *round) torture(kills int, deadline time.Time) tally {
	r.Helper()
	watched := r.consume()
	for r.kills < kills && time.Now().Before(deadline) {
		r.act()
	}
	if r.disk != nil {
		r.disk.free()
	}
	r.run(r.writerKilled)
	r.writer.Quit()
	r.run(func(*clitest.Program) {}, r.last()...)
	watched()
	r.check()
	r.rounds++
	return r.tally
}

// last are the flags of a run that ends by itself.
func (r *round) last() []string {
	if r.tails() {
		return []string{"--idle-exit", "300ms"}
	}
	return nil
}

// consume lists the folders of the output all the time, until the function that it returns is called.
func (r *round) consume() (stop func()) {
	if !r.folder() {
		return func() {}
	}
	c := consumer{dirs: r.parts, seen: map[string]sight{}}
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			if err := c.look(); err != nil {
				r.Error(err)
				return
			}
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	end := sync.OnceFunc(func() {
		close(done)
		wg.Wait()
	})
	r.Cleanup(end)
	return func() {
		end()
		if err := c.lookAgain(); err != nil {
			r.Error(err)
		}
	}
}

// check compares all that came out with all that was committed.
func (r *round) check() {
	r.Helper()
	h := readHistory(r, r.journal(), r.log())
	r.records += h.records()
	if r.output == "" {
		r.checkSections(h)
		return
	}
	a := account{history: h, next: map[string]int{}, gaps: r.losing}
	files := []string{r.path(r.output)}
	if r.folder() {
		var err error
		if files, err = visibleParts(r.parts...); err != nil {
			r.Fatal(err)
		}
	}
	for _, file := range files {
		if err := a.takeFile(file); err != nil {
			r.Fatal(err)
		}
	}
	if err := a.complete(); err != nil {
		r.Fatal(err)
	}
	r.gaps += a.named
	r.lost += a.lost
}

// checkSections compares standard output run by run. Each begins where the state says, so that what repeats is only what came
// after the last save; and no state is before what was delivered.
func (r *round) checkSections(h history) {
	r.Helper()
	f, err := os.Open(r.stdout())
	if err != nil {
		r.Fatal(err)
	}
	defer f.Close()
	a := account{history: h, gaps: r.losing}
	for i, s := range r.sections {
		a.next = h.places(&s.before)
		if err := a.takeAll(io.NewSectionReader(f, s.begin, s.end-s.begin), s.torn); err != nil {
			r.Fatalf("run %d of %d: %v", i+1, len(r.sections), err)
		}
		for db, at := range h.places(&s.after) {
			if at > a.next[db] || s.stopped && at != a.next[db] {
				r.Fatalf("run %d of %d, %s: the state says that %d records are delivered, %d are", i+1, len(r.sections), db, at, a.next[db])
			}
		}
	}
	if err := a.complete(); err != nil {
		r.Fatal(err)
	}
	r.gaps += a.named
	r.lost += a.lost
	r.repeated += a.records + a.lost - r.records
}

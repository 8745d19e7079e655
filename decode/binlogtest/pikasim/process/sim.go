//go:build unix

package process

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"pikabin/decode/binlogtest/pikasim"
)

// sim is a running pikasim. Everything in it belongs to one goroutine; another one only reads the input.
type sim struct {
	config   *config
	servers  []*pikasim.Server
	current  int // the DB of commands
	random   *rand.Rand
	journal  *journalFile // nil without --journal
	seq      uint64
	filler   string
	commands <-chan string
	out      io.Writer

	// The put that is under way, for its line.
	key, value string
	line       []byte
	err        error // of writing the journal

	holdAt, killAt string // steps
	suicide        int    // steps until SIGKILL, 0 for none
}

func run(c *config, stdin io.Reader, stdout io.Writer) (err error) {
	done := make(chan struct{})
	defer close(done)
	s := &sim{
		config: c, commands: readCommands(stdin, done), out: stdout,
		filler: strings.Repeat("abcdefghijklmnopqrstuvwxyz", c.value.max/26+2),
		random: rand.New(rand.NewPCG(c.seed, 0)), //nolint:gosec // sizes that can be had again
	}
	if err := s.open(); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	if IsChild() {
		s.answer(nil) // Start waits for it
	}
	if c.loads() {
		return s.load()
	}
	for command := range s.commands {
		if s.obey(command) {
			return s.err
		}
	}
	return s.err
}

// readCommands gives the lines of the input until done.
func readCommands(r io.Reader, done <-chan struct{}) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		for in := bufio.NewScanner(r); in.Scan(); {
			select {
			case lines <- in.Text():
			case <-done:
				return
			}
		}
	}()
	return lines
}

func (s *sim) open() (err error) {
	if s.config.journal != "" {
		if s.journal, err = openJournal(s.config.journal, s.config.dir, s.config.server.Generation); err != nil {
			return err
		}
		s.seq = s.journal.next
	}
	for db := range s.config.dbs {
		opts := s.config.server
		opts.Step = s.step
		opts.OnCommit = func(e *pikasim.Entry) { s.note(db, e) }
		_, errManifest := os.Stat(filepath.Join(s.config.folder(db), "manifest"))
		server, err := pikasim.Open(s.config.folder(db), opts)
		if err != nil {
			return err
		}
		s.servers = append(s.servers, server)
		s.noteStart(db, errManifest != nil)
	}
	return s.err
}

// noteStart writes the break that a kill between two stores of the manifest, or the loss of it, makes known at the next start.
func (s *sim) noteStart(db int, lost bool) {
	if s.journal == nil {
		return
	}
	end, known := s.journal.ends[nameOfDB(db)]
	at := s.servers[db].Position()
	rotated := at.Offset == 0 && at.Segment > end.Segment
	if !known || at == end || rotated {
		return
	}
	e := pikasim.Entry{Break: pikasim.BreakTornManifest, From: end, To: at}
	if lost {
		e.Break = pikasim.BreakLostManifest
	}
	s.note(db, &e)
}

func (s *sim) close() error {
	var errs []error
	for _, server := range s.servers {
		if server.Running() {
			errs = append(errs, server.Close())
		}
	}
	if s.journal != nil {
		errs = append(errs, s.journal.close())
	}
	return errors.Join(errs...)
}

// put puts the next record of the load into a DB, and purges if that has made a segment.
func (s *sim) put(db int) error {
	size := s.config.value.min + s.random.IntN(s.config.value.max-s.config.value.min+1)
	text := make([]byte, 0, size+64)
	text = append(strconv.AppendUint(append(text, "seq="...), s.seq, 10), ' ')
	if s.config.server.Stamp {
		text = append(append(append(text, "t="...), pikasim.Placeholder...), ' ')
	}
	text = append(text, s.filler[:max(size-len(text), 0)]...)
	return s.set(db, "key:"+strconv.FormatUint(s.seq%uint64(s.config.keys), 10), string(text))
}

func (s *sim) set(db int, key, value string) error {
	s.key, s.value = key, value
	return s.command(db, "SET", key, value)
}

func (s *sim) flush(db int) error {
	s.key, s.value = AllKeys, ""
	return s.command(db, "FLUSHDB")
}

// command puts the record of a command, whose key and value for the journal are known.
func (s *sim) command(db int, argv ...string) error {
	server := s.servers[db]
	segment := server.Position().Segment
	if err := server.Command(argv...); err != nil {
		return err
	}
	if s.config.keep > 0 && server.Position().Segment != segment {
		return errors.Join(server.Purge(s.config.keep), s.err)
	}
	return s.err
}

// note writes the line of an entry that is about to be committed.
func (s *sim) note(db int, e *pikasim.Entry) {
	l := Line{DB: nameOfDB(db), Break: e.Break, From: e.From, To: e.To}
	if e.Break == "" {
		l.Segment, l.Offset, l.End = e.Record.Segment, e.Record.Offset, e.Record.End
		l.Seq, l.Key, l.Sum = s.seq, s.key, s.sum(e.Record.Payload)
		s.seq++
	}
	if s.journal == nil {
		return
	}
	s.line = l.Append(s.line[:0])
	s.err = errors.Join(s.err, s.journal.write(s.line))
}

// sum is the checksum of the value as it is in the record, where a stamp may have changed it.
func (s *sim) sum(payload []byte) uint32 {
	head, _, _ := strings.Cut(s.value, pikasim.Placeholder)
	begin := bytes.LastIndex(payload, []byte(head))
	if !s.config.server.Stamp || begin < 0 {
		return crc32.ChecksumIEEE([]byte(s.value))
	}
	return crc32.ChecksumIEEE(payload[begin : begin+len(s.value)])
}

func nameOfDB(db int) string { return "db" + strconv.Itoa(db) }

// load puts records at the rate, and obeys commands in between.
func (s *sim) load() error {
	start := time.Now()
	for done := 0; ; {
		elapsed := time.Since(start)
		if s.config.count > 0 && done >= s.config.count || s.config.duration > 0 && elapsed >= s.config.duration {
			return nil
		}
		s.armSuicide(done, elapsed)
		n, wait := s.due(done, elapsed)
		for range n {
			if err := s.loadOne(done); err != nil {
				return err
			}
			done++
		}
		if s.pause(wait) {
			return s.err
		}
	}
}

// due is how many records are to be put now, in one go, and when none is, how long to wait for the next one.
func (s *sim) due(done int, elapsed time.Duration) (n int, wait time.Duration) {
	const most = 64 // between two looks at the input and the clock
	if !slices.ContainsFunc(s.servers, (*pikasim.Server).Running) {
		return 0, time.Second
	}
	n = most
	if rate := s.config.rate; rate > 0 {
		n = min(n, int(elapsed.Seconds()*rate)+1-done)
		if n <= 0 {
			next := time.Duration(float64(done) / rate * float64(time.Second))
			return 0, next - elapsed
		}
	}
	if s.config.count > 0 {
		n = min(n, s.config.count-done)
	}
	return n, 0
}

// loadOne puts into the DBs in turn. What falls to a stopped one is passed over.
func (s *sim) loadOne(done int) error {
	db := done % len(s.servers)
	if !s.servers[db].Running() {
		return nil
	}
	return s.put(db)
}

// pause waits, or not at all for 0, and obeys the commands that come. It reports whether to quit.
func (s *sim) pause(wait time.Duration) bool {
	if wait <= 0 {
		select {
		case command, ok := <-s.commands:
			return s.obeyInLoad(command, ok)
		default:
			return false
		}
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case command, ok := <-s.commands:
		return s.obeyInLoad(command, ok)
	case <-timer.C:
		return false
	}
}

func (s *sim) obeyInLoad(command string, ok bool) bool {
	if !ok {
		s.commands = nil
		return IsChild() // the test has gone, however it ended
	}
	return s.obey(command)
}

// armSuicide chooses the step to die after, once it is time.
func (s *sim) armSuicide(done int, elapsed time.Duration) {
	after := s.config.killAfter
	if after == "" || s.suicide > 0 {
		return
	}
	n, errCount := strconv.Atoi(after)
	d, errTime := time.ParseDuration(after)
	if errCount == nil && done >= n || errTime == nil && elapsed >= d {
		s.suicide = 1 + s.random.IntN(30)
	}
}

// step is called after every step of all the servers.
func (s *sim) step(name string) {
	switch {
	case s.suicide > 1:
		s.suicide--
	case s.suicide == 1:
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	}
	switch name {
	case s.killAt:
		s.killAt = ""
		s.servers[s.current].Kill()
	case s.holdAt:
		s.holdAt = ""
		s.answer(nil)
		s.awaitRelease()
	}
}

// awaitRelease waits for the command release; the end of the input is one.
func (s *sim) awaitRelease() {
	for command := range s.commands {
		if command == "release" {
			return
		}
		s.answer(errors.New("a put is held: expected release"))
	}
}

func (s *sim) answer(err error) {
	if err != nil {
		fmt.Fprintf(s.out, "error %v\n", err)
		return
	}
	fmt.Fprintf(s.out, "ok %v\n", s.servers[s.current].Position())
}

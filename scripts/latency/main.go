// Latency reads lines that carry the time of their commit, "t=" and nanoseconds since 1970 in 19 digits, as pikasim --stamp
// makes them, and says how long after it each has come:
//
//	pikabin tail DIR | latency --skip 1s
//
// It prints one line: how many lines were measured, the median, the 99th percentile, the maximum and the age of the last
// line in microseconds, and how many bytes and lines have come at all. With --machine there is also the 99th percentile of
// how late a thread that sleeps for 5 ms is woken meanwhile: what the machine adds to each of several steps on the way.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"strconv"
	"sync"
	"time"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("latency: ")
	if err := run(os.Args[1:], os.Stdin, os.Stdout, time.Now); err != nil {
		log.Fatal(err)
	}
}

func run(args []string, in io.Reader, out io.Writer, now func() time.Time) error {
	flags := flag.NewFlagSet("latency", flag.ContinueOnError)
	skip := flags.Duration("skip", 0, "leave out what was committed within this time after the first line")
	machine := flags.Bool("machine", false, "measure how late the machine wakes threads")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	m, delays := meter{skip: *skip}, meter{}
	end := func() {}
	if *machine {
		end = delays.watchMachine()
	}
	err := m.readAll(in, now)
	end()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "count=%d p50=%d p99=%d max=%d last=%d bytes=%d lines=%d machine=%d\n",
		m.count, m.percentile(50), m.percentile(99), m.percentile(100), m.last.Microseconds(), m.bytes, m.lines,
		delays.percentile(99))
	return err
}

// meter counts ages by the microsecond: exact enough, and a percentile is a walk.
type meter struct {
	skip  time.Duration
	first time.Time // stamp of the first line

	ages         []uint32
	count        uint64
	last         time.Duration
	bytes, lines int64
}

// bufferSize is several times what a pipe holds, so that a read takes all that is there.
const bufferSize = 1 << 20

// readAll takes the time once for each read: all that it gives has come by then. A line counts when its end has come.
func (m *meter) readAll(in io.Reader, now func() time.Time) error {
	buf := make([]byte, bufferSize)
	held := 0
	for {
		n, err := in.Read(buf[held:])
		came := now()
		m.bytes += int64(n)
		rest := m.take(buf[:held+n], came)
		if held = copy(buf, rest); held == len(buf) {
			return fmt.Errorf("a line is longer than %d bytes", len(buf))
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("reading the lines: %w", err)
		}
	}
}

// take measures all whole lines and returns what is after them.
func (m *meter) take(data []byte, came time.Time) (rest []byte) {
	for {
		end := bytes.IndexByte(data, '\n')
		if end < 0 {
			return data
		}
		m.lines++
		if stamp, ok := stampOf(data[:end]); ok {
			m.add(stamp, came)
		}
		data = data[end+1:]
	}
}

// add counts the age of one line. A clock that was set back in between makes none younger than nothing.
func (m *meter) add(stamp, came time.Time) {
	if m.first.IsZero() {
		m.first = stamp
	}
	m.last = max(came.Sub(stamp), 0)
	if stamp.Sub(m.first) >= m.skip {
		m.note(m.last)
	}
}

func (m *meter) note(d time.Duration) {
	age := int(d.Microseconds())
	if age >= len(m.ages) {
		m.ages = append(m.ages, make([]uint32, age+1-len(m.ages))...)
	}
	m.ages[age]++
	m.count++
}

// nap is long enough for a sleeper not to be a load by itself.
const nap = 5 * time.Millisecond

// watchMachine notes how much later than it should a sleeper wakes, until the function that it returns is called.
func (m *meter) watchMachine() (end func()) {
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			from := time.Now()
			select {
			case <-done:
				return
			case <-time.After(nap):
				m.note(time.Since(from) - nap)
			}
		}
	})
	return func() {
		close(done)
		wg.Wait()
	}
}

// percentile is the least age that p percent of the lines do not exceed, in microseconds.
func (m *meter) percentile(p uint64) int {
	rank, seen := (m.count*p+99)/100, uint64(0)
	for age, n := range m.ages {
		if seen += uint64(n); seen >= rank {
			return age
		}
	}
	return 0
}

// stampOf finds the time in a line.
func stampOf(line []byte) (time.Time, bool) {
	const digits = 19
	_, text, ok := bytes.Cut(line, []byte(" t="))
	if !ok || len(text) < digits {
		return time.Time{}, false
	}
	ns, err := strconv.ParseInt(string(text[:digits]), 10, 64)
	return time.Unix(0, ns), err == nil
}

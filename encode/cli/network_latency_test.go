//go:build unix

package cli_test

import (
	"bufio"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikamaster"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/replica/inner"
	"pikabin/encode/cli/clitest"
)

// stream is a server that writes while a program follows it.
type stream struct {
	*pikamaster.Master
	address string

	mu   sync.Mutex
	sim  *pikasim.Server
	sent map[uint64]time.Time // when the server last wrote each record to its socket, by where it ends
}

// newStream notes the time of each record in the moment before it is written.
func newStream(b *testing.B) *stream {
	b.Helper()
	s := &stream{sent: map[uint64]time.Time{}}
	var err error
	if s.sim, err = pikasim.Open(filepath.Join(b.TempDir(), "log_db0"), pikasim.Options{}); err != nil {
		b.Fatal(err)
	}
	end := func() decode.Position {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.sim.Position()
	}
	s.Master, s.address = serve(b, pikamaster.Options{
		DBs: []pikamaster.DB{{Name: "db0", Dir: s.sim.Dir(), End: end}},
		Mangle: func(m *inner.Response) []*inner.Response {
			now := time.Now()
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, it := range m.GetBinlogSync() {
				s.sent[it.GetEnd().GetOffset()] = now
			}
			return []*inner.Response{m}
		},
	}, "")
	return s
}

// write writes a record.
func (s *stream) write(b *testing.B, key int) {
	b.Helper()
	s.mu.Lock()
	err := s.sim.Command("SET", strconv.Itoa(key), strings.Repeat("v", 100))
	s.mu.Unlock()
	if err != nil {
		b.Error(err)
	}
	s.Wake()
}

// ages reads n lines, and gives how old each was when it came.
func (s *stream) ages(b *testing.B, lines *bufio.Scanner, n int) []time.Duration {
	b.Helper()
	var list []time.Duration
	for i := 0; i < n && lines.Scan(); i++ {
		came := time.Now()
		var e struct{ End uint64 }
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			b.Fatal(err)
		}
		s.mu.Lock()
		list = append(list, came.Sub(s.sent[e.End]))
		s.mu.Unlock()
	}
	if len(list) < n {
		b.Fatalf("%d lines of %d", len(list), n)
	}
	return list
}

// BenchmarkNetworkLatency follows a server that writes a thousand records a second, and measures for how long each is on the way from the server's socket to
// the line on standard output.
func BenchmarkNetworkLatency(b *testing.B) {
	const records = 5000
	for b.Loop() {
		s := newStream(b)
		r, w, err := os.Pipe()
		if err != nil {
			b.Fatal(err)
		}
		clitest.Start(b, w, "tail", "-q", s.address, "--from", "start")
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		go func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for i := range records {
				<-tick.C
				s.write(b, i)
			}
		}()
		ages := s.ages(b, bufio.NewScanner(r), records)[records/5:] // what was there before it began is older
		slices.Sort(ages)
		b.ReportMetric(float64(ages[len(ages)/2].Microseconds()), "p50-us")
		b.ReportMetric(float64(ages[len(ages)*99/100].Microseconds()), "p99-us")
	}
}

// BenchmarkNetworkSilence follows a server that writes nothing, and measures which part of a core that takes.
func BenchmarkNetworkSilence(b *testing.B) {
	cpu := func(idle string) time.Duration {
		s := newStream(b)
		s.write(b, 0)
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			b.Fatal(err)
		}
		defer null.Close()
		p := clitest.Start(b, null, "tail", "-q", s.address, "--from", "start", "--idle-exit", idle)
		p.Exits(0)
		return p.Cmd.ProcessState.UserTime() + p.Cmd.ProcessState.SystemTime()
	}
	for b.Loop() {
		b.ReportMetric(100*(cpu("22s")-cpu("2s")).Seconds()/20, "%-of-a-core")
	}
}

package binlogtest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pikabin/decode"
	"pikabin/decode/binlogtest"
)

// TestRewriteFixtures writes the records of every real log once more and compares the files: the proof
// that the writer does what Pika does. Of the crashed servers only the end of a log is there, of
// which the writer cannot know the beginning.
func TestRewriteFixtures(t *testing.T) {
	generations := map[decode.Generation]int{}
	for _, l := range binlogtest.FixtureLogs(t) {
		if strings.Contains(l.Name, "crash") {
			continue
		}
		generations[l.Generation]++
		t.Run(l.Name, func(t *testing.T) {
			w := rewrite(t, l)
			if !bytes.Equal(w.Manifest(), l.Manifest(t)) {
				t.Errorf("manifest says %v, the real one % x", w.Position(), l.Manifest(t)[:24])
			}
			for _, s := range l.Segments(t) {
				compareSegment(t, s, w.Bytes(s.Number))
			}
			if got, want := len(w.Segments()), len(l.Segments(t)); got != want {
				t.Errorf("%d segments, want %d", got, want)
			}
		})
	}
	for g := decode.G1; g <= decode.G5; g++ {
		if generations[g] == 0 {
			t.Errorf("no real log of G%d", g-decode.G0)
		}
	}
}

func rewrite(t *testing.T, l binlogtest.LogFixture) *binlogtest.Writer {
	t.Helper()
	records := l.Records(t)
	w := binlogtest.NewWriter(optionsOf(l, records))
	for i := 0; i < len(records); {
		n := i + 1
		for n < len(records) && records[n].Sub > 0 {
			n++
		}
		writeAgain(w, records[i:n])
		i = n
	}
	if strings.Contains(l.Name, "live") || strings.Contains(l.Name, "slave") {
		w.Preallocate()
	}
	return w
}

// optionsOf finds how the server was set up.
func optionsOf(l binlogtest.LogFixture, records []binlogtest.FixtureRecord) binlogtest.Options {
	opts := binlogtest.Options{Generation: l.Generation}
	switch {
	case strings.Contains(l.Name, "rotate-tiny"):
		opts.SegmentSize = 1 << 10
	case strings.Contains(l.Name, "ttl"):
		opts.SegmentSize = 8 << 10
	}
	for _, r := range records {
		opts.Origin = max(opts.Origin, r.Term)
		if strings.HasPrefix(r.Note, "type 6") {
			opts.Time = uint32(r.PTime)
			opts.Start = decode.Position{Segment: r.Segment, Offset: r.Next}
		}
	}
	return opts
}

// writeAgain writes one record, which is several if it holds several commands.
func writeAgain(w *binlogtest.Writer, rs []binlogtest.FixtureRecord) {
	p := binlogtest.Put{Time: uint32(rs[0].PTime), ExecTime: uint32(rs[0].Time), Hub: rs[0].Hub}
	switch rs[0].Note {
	case "type 6, all *":
		return
	case "padding item", "nested padding item":
		w.Padding(len(rs[0].Argv[1]), p)
		return
	}
	for _, r := range rs {
		var argv []string
		for _, arg := range r.Argv {
			argv = append(argv, string(arg))
		}
		p.Commands = append(p.Commands, argv)
	}
	w.Put(p)
}

func compareSegment(t *testing.T, want binlogtest.Segment, got []byte) {
	t.Helper()
	if bytes.Equal(got, want.Bytes) {
		return
	}
	n := 0
	for n < min(len(got), len(want.Bytes)) && got[n] == want.Bytes[n] {
		n++
	}
	t.Errorf("write2file%d differs at %d of %d (%d real) bytes:\n% x\n% x, the real one", want.Number, n, len(got), len(want.Bytes),
		got[n:min(n+32, len(got))], want.Bytes[n:min(n+32, len(want.Bytes))])
}

func TestFixtureLog(t *testing.T) {
	l := binlogtest.FixtureLog(t, "3.2.9-everytype-sharding/log/log_db0/3")
	if l.DB != "db0" || l.Slot != 3 || l.Generation != decode.G3 || l.Version != "3.2.9" {
		t.Errorf("log is %+v", l)
	}
	l = binlogtest.FixtureLog(t, "2.2.6-ttl/log")
	if l.DB != "db0" || l.Slot != -1 || l.Generation != decode.G1 {
		t.Errorf("log is %+v", l)
	}
}

func TestFixtureUnpack(t *testing.T) {
	for _, f := range binlogtest.Fixtures(t) {
		if f.Name != "4.0.1-crash-torn" {
			continue
		}
		dir := f.Unpack(t)
		info, err := os.Stat(filepath.Join(dir, "attempt10-1-after-kill9", "log_db0", "write2file2"))
		if err != nil || info.Size() != 12<<20 {
			t.Errorf("write2file2 is %v, %v; want 12 MiB", info, err)
		}
	}
}

func TestFixtureCommandsAndTTL(t *testing.T) {
	for _, f := range binlogtest.Fixtures(t) {
		if n := len(f.Commands(t)); n < 100 && !strings.Contains(f.Name, "crash") && !strings.Contains(f.Name, "replica") {
			t.Errorf("%s has %d commands", f.Name, n)
		}
		if n := len(f.TTL(t)); (n > 100) != strings.HasSuffix(f.Name, "-ttl") {
			t.Errorf("%s has %d deadlines", f.Name, n)
		}
	}
}

//go:build unix

package process_test

import (
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"pikabin/decode"
	"pikabin/decode/binlogtest/pikasim"
	"pikabin/decode/binlogtest/pikasim/process"
	"pikabin/decode/binlogtest/scan"
)

func TestMain(m *testing.M) {
	if process.IsChild() {
		os.Exit(process.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

// must fails the test on an error.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func journalOf(t *testing.T, journal, dir string) []process.Line {
	t.Helper()
	lines, err := process.ReadJournal(journal, dir, decode.G5)
	must(t, err)
	return lines
}

// linesOnDisk reads the log of one DB in the form of a journal's lines; numbers are left out.
func linesOnDisk(t *testing.T, dir string) []process.Line {
	t.Helper()
	list := []process.Line{}
	must(t, scan.Folder(t, dir, decode.G5, func(c *decode.Chunk, rec *decode.Record, argvs [][][]byte) {
		list = append(list, process.Line{
			DB: "db0", Segment: c.Segment, Offset: rec.Offset, End: rec.End,
			Key: string(argvs[0][1]), Sum: crc32.ChecksumIEEE(argvs[0][2]),
		})
	}))
	return list
}

func withoutNumbers(lines []process.Line) []process.Line {
	lines = slices.Clone(lines)
	for i := range lines {
		lines[i].Seq = 0
	}
	return lines
}

func TestDriver(t *testing.T) {
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	d := process.Start(t, dir, "--journal", journal, "--stamp", "--value-size", "10..70000", "--region", "262144")
	d.Put(20)
	d.Rotate()
	d.Set("k", "v")
	end := d.Do("position")
	d.Kill()
	d.Restart()
	if got := d.Do("position"); got != end {
		t.Errorf("position after a kill is %v, want %v", got, end)
	}
	d.Do("kill payload")
	d.Do("restart")
	d.Put(5)
	lines := journalOf(t, journal, dir)
	if diff := cmp.Diff(withoutNumbers(lines), linesOnDisk(t, filepath.Join(dir, "log_db0"))); diff != "" {
		t.Errorf("records (-journal +disk):\n%s", diff)
	}
	if n := len(lines); n != 26 || lines[25].Seq != 25 {
		t.Errorf("journal has %d lines", n)
	}
	d.FullSync(decode.Position{Segment: 7, Offset: 100})
	d.Put(1)
	if got := d.Purge(1); got.Segment != 7 {
		t.Errorf("position is %v", got)
	}
	d.Quit()
	lines = journalOf(t, journal, dir)
	if b := lines[26]; b.Break != pikasim.BreakFullSync || b.To.String() != "7:100" || lines[27].Offset != 100 {
		t.Errorf("break is %+v", b)
	}
}

// TestSuicide lets the program die at random steps. Whenever it does, journal and disk agree.
func TestSuicide(t *testing.T) {
	dir, journal := t.TempDir(), filepath.Join(t.TempDir(), "journal")
	for seed := range 10 {
		d := process.Start(t, dir, "--journal", journal, "--count", "1000", "--kill-self-after", "30", "--seed", strconv.Itoa(seed),
			"--value-size", "0..3000", "--segment-size", "100000", "--region", "262144")
		d.Wait()
		lines := journalOf(t, journal, dir)
		if diff := cmp.Diff(withoutNumbers(lines), linesOnDisk(t, filepath.Join(dir, "log_db0"))); diff != "" {
			t.Fatalf("seed %d: records (-journal +disk):\n%s", seed, diff)
		}
		if n := len(lines); n < 30*(seed+1) || lines[n-1].Seq != uint64(n-1) {
			t.Errorf("seed %d: journal has %d lines", seed, n)
		}
	}
}

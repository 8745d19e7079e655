//go:build unix

package torture

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"testing"
	"time"

	"pikabin/decode/binlogtest/sample"
)

// The flags that make the short test a long one: scripts/torture.sh.
var (
	tortureKills = flag.Int("torture.kills", 6, "how often each scenario of TestTorture is killed")
	tortureTime  = flag.Duration("torture.time", time.Hour, "when TestTorture ends, however few the kills")
	tortureRound = flag.Int("torture.round", 100, "after how many kills a log is compared and the next one begun")
	tortureOnly  = flag.String("torture.only", "", "scenarios of TestTorture, a `regexp`")
	tortureDisk  = flag.Bool("torture.disk", false, "scenarios on small disks that fill up, too, which only root can mount")
	tortureDir   = flag.String("torture.dir", "", "where to put the files; those of a failure stay there")
	tortureSeed  = flag.Uint64("torture.seed", 1, "of sizes and moments")
)

// scenarios are what TestTorture kills. Those on a small disk need rights that a test does not have everywhere.
func scenarios() []scenario {
	list := []scenario{
		{name: "stdout"},
		{name: "file", output: "changes.jsonl"},
		{name: "file-zstd", output: "changes.jsonl.zst"},
		{name: "file-gzip", output: "changes.jsonl.gz", args: []string{"--workers", "1"}},
		{name: "folder", output: "changes/", args: []string{"--roll-size", "50KiB"}},
		{name: "folder-zstd", output: "changes/", args: []string{"--compress", "zstd", "--roll-interval", "100ms"}},
		{name: "folder-gzip", output: "changes/", args: []string{"--compress", "gzip", "--poll"}},
		{name: "folder-hive", output: "changes/", args: []string{"--compress", "zstd", "--partition", "hive", "--roll-size", "10KiB"}},
		{name: "convert-stdout", command: "convert"},
		{name: "convert-file", command: "convert", output: "changes.jsonl.zst"},
		{name: "convert-folder", command: "convert", output: "changes/", args: []string{"--roll-size", "50KiB"}},
	}
	if !*tortureDisk {
		return list
	}
	writer := []string{"--rate", "500", "--value-size", "10..500"} // all of it finds room
	return append(list,
		scenario{name: "disk-stdout", disk: true, writer: writer},
		scenario{name: "disk-file", output: "changes.jsonl", disk: true, writer: writer},
		scenario{name: "disk-file-zstd", output: "changes.jsonl.zst", disk: true, writer: writer},
		scenario{name: "disk-folder", output: "changes/", args: []string{"--roll-size", "50KiB"}, disk: true, writer: writer},
		scenario{name: "disk-folder-zstd", output: "changes/", args: []string{"--compress", "zstd", "--roll-interval", "1s"}, disk: true, writer: writer},
		scenario{name: "night-pin", output: "changes/", args: []string{"--compress", "zstd"}, disk: true, purges: true},
		scenario{name: "night-skip", output: "changes.jsonl.zst", args: []string{"--on-gap=skip"}, disk: true, purges: true, losing: true},
		scenario{name: "night-skip-stdout", args: []string{"--on-gap=skip"}, disk: true, purges: true, losing: true},
		scenario{name: "disk-convert", command: "convert", output: "changes.jsonl.gz", disk: true, writer: writer},
	)
}

// TestTorture kills pikabin and the server again and again, and compares what came out with what was committed.
func TestTorture(t *testing.T) {
	only := regexp.MustCompile(*tortureOnly)
	kills, deadline := sample.Count(*tortureKills, 2), time.Now().Add(*tortureTime)
	for _, s := range scenarios() {
		if !only.MatchString(s.name) {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			var sum tally
			for seed := *tortureSeed; sum.kills < kills && time.Now().Before(deadline) && !t.Failed(); seed++ {
				t.Run(fmt.Sprint("seed-", seed), func(t *testing.T) {
					r := newRound(t, s, roundDir(t), seed)
					done := r.torture(min(*tortureRound, kills-sum.kills), deadline)
					sum.add(&done)
				})
			}
			t.Logf("%s: %v", s.name, &sum)
		})
	}
}

// roundDir is a folder that goes with the test, or stays if it has failed and was asked for by -torture.dir.
func roundDir(t *testing.T) string {
	t.Helper()
	if *tortureDir == "" {
		return t.TempDir()
	}
	dir, err := os.MkdirTemp(*tortureDir, "round") //nolint:usetesting // what a failure leaves must stay
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the files are in %s", dir)
			return
		}
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

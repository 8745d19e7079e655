//go:build (s3 || hdfs) && unix

package torture

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"
	"time"

	"pikabin/decode/binlogtest"
	"pikabin/encode/cli/clitest"
	"pikabin/encode/sinktest"
)

// tortureCopy kills two runs of compact again and again that copy one folder at a time, beside merges of that folder and one that lists the place: no row is ever in
// two objects, no object changes, and in the end each row is there.
func (g *rig) tortureCopy(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(*tortureSeed, 7))
	log, table := t.TempDir(), filepath.Join(t.TempDir(), "table")+"/"
	w := binlogtest.NewWriter(binlogtest.Options{SegmentSize: 1 << 16})
	for i := range 4000 {
		w.Advance(3)
		w.Command("SET", fmt.Sprintf("key%d", i), fmt.Sprintf("%x", random.Perm(1+random.IntN(500)))) // which compression leaves large
	}
	sinktest.WriteLogs(t, log, w)
	clitest.Start(t, nil, "convert", log, "--compress", "zstd", "--partition", "hive", "--roll-size", "20KB", "--workers", "1", "-o", table).Exits(0)
	compact := func(more ...string) *clitest.Program {
		return clitest.Start(t, nil, append([]string{"compact", table, "--older-than", "0s", "--target", fmt.Sprintf("%dKB", 1+random.IntN(60))}, more...)...)
	}
	stop, kills := g.watch(t), 0
	for deadline := time.Now().Add(*tortureTime); kills < max(*tortureKills, 20) && time.Now().Before(deadline) && !t.Failed(); {
		programs := []*clitest.Program{compact("--to", g.target), compact("--to", g.target)}
		if random.IntN(8) == 0 {
			programs = append(programs, compact())
		}
		for _, p := range programs {
			p.After(random, 200*time.Millisecond)
			if p.Kill() {
				kills++
			}
		}
	}
	compact("--to", g.target).Exits(0)
	listings := stop()
	clitest.Start(t, nil, "verify-output", log, g.target).Exits(0)
	t.Logf("%d kills, %d listings, %d objects, %d rows, 0 missing, 0 twice", kills, listings, len(g.tags), len(g.rows))
}

//go:build unix && !linux

package torture

import (
	"testing"

	"pikabin/encode/cli/clitest"
)

// smallDisk is for Linux alone.
type smallDisk struct{ full bool }

func newSmallDisk(tb testing.TB, _ string) *smallDisk {
	tb.Helper()
	tb.Fatal("a small disk can only be had on Linux")
	return nil
}

func (*smallDisk) fill() {}
func (*smallDisk) free() {}

func checkMemory(testing.TB, *clitest.Program, int64) int64 { return 0 }

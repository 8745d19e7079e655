//go:build unix && !linux

package main

import "testing"

// smallDisk is for Linux alone.
type smallDisk struct{ full bool }

func newSmallDisk(tb testing.TB, _ string) *smallDisk {
	tb.Helper()
	tb.Fatal("a small disk can only be had on Linux")
	return nil
}

func (*smallDisk) fill() {}
func (*smallDisk) free() {}

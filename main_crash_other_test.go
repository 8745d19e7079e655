//go:build unix && !linux

package main

import (
	"syscall"
	"testing"
)

func endsWithTest() *syscall.SysProcAttr { return nil }

// smallDisk is for Linux alone.
type smallDisk struct{ full bool }

func newSmallDisk(tb testing.TB, _ string) *smallDisk {
	tb.Helper()
	tb.Fatal("a small disk can only be had on Linux")
	return nil
}

func (*smallDisk) fill() {}
func (*smallDisk) free() {}

func checkMemory(*program, int64) int64 { return 0 }

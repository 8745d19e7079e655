//go:build unix && !linux

package clitest

import "syscall"

func endsWithTest() *syscall.SysProcAttr { return nil }

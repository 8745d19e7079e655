package clitest

import "syscall"

// endsWithTest has the process killed when the test is.
func endsWithTest() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

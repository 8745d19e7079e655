//go:build unix

package folder

import (
	"os/exec"
	"syscall"
)

// apart makes a command, and all that it starts, a group of processes: signals to that of this program do not reach it, and it is killed as a whole.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
}

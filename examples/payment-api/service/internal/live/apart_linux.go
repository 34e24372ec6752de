package live

import (
	"os/exec"
	"syscall"
)

// apart gives a process a group of its own, so that an interrupt at the keyboard
// reaches the run alone, which stops its parts in order; and lets the system end
// it should the run be killed.
func apart(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
}

//go:build unix

package lambdatest

import (
	"os"
	"syscall"
)

func terminateSignal() os.Signal { return syscall.SIGTERM }
func freezeSignal() os.Signal    { return syscall.SIGSTOP }
func thawSignal() os.Signal      { return syscall.SIGCONT }

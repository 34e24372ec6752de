//go:build !unix

package lambdatest

import "os"

// Without these signals nothing is frozen, and a process is only killed.

func terminateSignal() os.Signal { return nil }
func freezeSignal() os.Signal    { return nil }
func thawSignal() os.Signal      { return nil }

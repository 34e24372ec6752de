//go:build race

package log_test

// raced says that the race detector is on: it allocates by itself.
const raced = true

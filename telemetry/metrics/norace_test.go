//go:build !race

package metrics_test

// raced says that the race detector is on, which allocates.
const raced = false

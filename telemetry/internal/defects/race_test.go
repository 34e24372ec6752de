//go:build race

package defects_test

// raceDetector says that the race detector, which allocates, is on.
const raceDetector = true

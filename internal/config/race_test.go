//go:build race

package config_test

// raceEnabled says that the race detector slows everything down.
const raceEnabled = true

//go:build race

package canary_test

// stride: the race detector is slow, and every third call shows it as much.
const stride = 3

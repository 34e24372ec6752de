//go:build !race

package canary_test

// stride is how far apart the calls are of which trouble is made.
const stride = 1

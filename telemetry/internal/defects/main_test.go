package defects_test

import (
	"os"
	"testing"

	"gitlab.com/nines-sre/nines/telemetry/lambdatest"
)

// TestMain lets the test's executable be the programs and functions that tests
// start: see lambdatest.Self.
func TestMain(m *testing.M) {
	os.Exit(lambdatest.Main(m, map[string]func(){
		"their group":       theirGroup,
		"their info":        theirInfo,
		"their allocations": theirAllocations,
		"their failure":     theirFailure,
		"our failure":       ourFailure,
		"their panic":       theirPanic,
		"our panic":         ourPanic,
	}))
}

// Package cases says how many random cases a property takes.
package cases

import (
	"flag"
	"os"
	"testing"
)

// Few lets the properties of a test take at most n random cases: each of them
// costs much (requests over HTTP, files), and cheaper properties hold the same
// code. With NINES_FULL set they take as many as the others.
func Few(t *testing.T, n string) {
	t.Helper()
	f := flag.Lookup("rapid.checks")
	if os.Getenv("NINES_FULL") != "" || f == nil {
		return
	}
	before := f.Value.String()
	if err := f.Value.Set(n); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Value.Set(before) })
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The recorded series are what this program writes: nobody edited them, and
// nobody changed the program without recording again.
func TestRecorded(t *testing.T) {
	for _, s := range services() {
		var want bytes.Buffer
		if err := write(&want, s); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join("..", "recorded", s.file))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what gen writes; run `go run ./examples/payment-api/gen`", s.file)
		}
	}
}

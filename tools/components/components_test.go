package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestWritten holds the components to their sources, and lets none stand beside
// them without one.
func TestWritten(t *testing.T) {
	all, err := components()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../../templates/*/template.yml")
	if err != nil || len(files) != len(all) {
		t.Errorf("%d components, %d sources: %v", len(files), len(all), err)
	}
	for name, want := range all {
		got, err := os.ReadFile(filepath.Join("../../templates", name, "template.yml"))
		if err != nil {
			t.Error(err)
		}
		if d := cmp.Diff(string(want), string(got)); d != "" {
			t.Errorf("%s is not what its source says; run `go run ./tools/components`:\n%s", name, d)
		}
	}
}

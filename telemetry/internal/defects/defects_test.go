package defects_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// TestDefectsAreDocumented holds the page to the tests: each test of a defect has
// its row, and each row its test.
func TestDefectsAreDocumented(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../doc/reference/telemetry-defects.md")
	if err != nil {
		t.Skip("the page is not here: ", err)
	}
	files, err := filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var tests []string
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^func (TestDefect[A-Z]\w*|Test\w+BesidePowertools)\(`).FindAllSubmatch(src, -1) {
			tests = append(tests, string(m[1]))
		}
	}
	var rows []string
	for _, m := range regexp.MustCompile("`(Test\\w+)`").FindAllSubmatch(page, -1) {
		rows = append(rows, string(m[1]))
	}
	slices.Sort(tests)
	slices.Sort(rows)
	if rows = slices.Compact(rows); !slices.Equal(tests, rows) {
		t.Errorf("tests %v, rows %v", tests, rows)
	}
}

package config_test

import (
	"encoding/json"
	"encoding/xml"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
)

func problems() fault.Problems {
	at := func(file string, line, column int) fault.Place {
		return fault.Place{File: file, Line: line, Column: column}
	}
	return fault.Problems{
		{Place: at("a/slo.yaml", 3, 7), Rule: "unknown-field", Message: `spec has no field "x"`, Hint: `did you mean "y"?`},
		{Place: at("a/slo.yaml", 9, 1), Rule: "unknown-field", Message: `spec has no field "x"`},
		{Place: at("b.yaml", 0, 0), Severity: fault.SeverityWarning, Rule: "minute-window", Message: "1m means <minutes>\n& more \x1b[31m"},
	}
}

func render(t *testing.T, ps fault.Problems, format string) string {
	t.Helper()
	out, err := config.Render(ps, format)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestRender(t *testing.T) {
	for _, format := range config.Formats() {
		golden(t, "testdata/render/problems."+format, render(t, problems(), format))
		golden(t, "testdata/render/none."+format, render(t, nil, format))
	}
	_, err := config.Render(nil, "xml")
	if fault.KindOf(err) != fault.Invalid {
		t.Errorf("unknown format: %v", err)
	}
}

func TestRenderParses(t *testing.T) {
	var suites struct {
		Tests    int `xml:"tests,attr"`
		Failures int `xml:"failures,attr"`
	}
	if err := xml.Unmarshal([]byte(render(t, problems(), "junit")), &suites); err != nil || suites.Tests != 3 || suites.Failures != 2 {
		t.Errorf("junit: %+v, %v", suites, err)
	}
	var findings []struct{ Fingerprint string }
	if err := json.Unmarshal([]byte(render(t, problems(), "codequality")), &findings); err != nil || len(findings) != 3 {
		t.Fatalf("codequality: %v, %v", findings, err)
	}
	if findings[0].Fingerprint == findings[1].Fingerprint {
		t.Error("two findings share a fingerprint")
	}
}

// TestFingerprints: a finding keeps its fingerprint when lines are written
// above it.
func TestFingerprints(t *testing.T) {
	read := func(ps fault.Problems) (out []string) {
		var findings []struct{ Fingerprint string }
		if err := json.Unmarshal([]byte(render(t, ps, "codequality")), &findings); err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			out = append(out, f.Fingerprint)
		}
		return out
	}
	moved := problems()
	for i := range moved {
		moved[i].Place.Line += 10
	}
	if diff := cmp.Diff(read(problems()), read(moved)); diff != "" {
		t.Errorf("fingerprints moved with the lines:\n%s", diff)
	}
}

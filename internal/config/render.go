package config

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"path/filepath"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// Formats are what Render can print problems as.
func Formats() []string { return []string{"text", "json", "junit", "codequality"} }

// Render prints problems: text is one line each, json one object, junit and
// codequality are what GitLab shows in a merge request. No problems are an
// empty text, or a report without findings.
func Render(problems fault.Problems, format string) ([]byte, error) {
	switch format {
	case "text":
		return renderText(problems), nil
	case "json":
		return renderJSON(problems)
	case "junit":
		return renderJUnit(problems)
	case "codequality":
		return renderCodeQuality(problems)
	}
	return nil, fault.New(fault.Invalid, "print problems", fmt.Sprintf("there is no format %q", format), openslo.DidYouMean(format, Formats()))
}

func renderText(problems fault.Problems) []byte {
	var b bytes.Buffer
	for _, p := range problems {
		b.WriteString(oneLine(p.String()))
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// oneLine keeps foreign text from breaking a report into lines, or from
// steering a terminal.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

// problemJSON is a problem as JSON; places stand beside it, not inside.
type problemJSON struct {
	fault.Place
	Severity string `json:"severity"`
	Rule     string `json:"rule"`
	Message  string `json:"message"`
	Hint     string `json:"hint,omitempty"`
}

func renderJSON(problems fault.Problems) ([]byte, error) {
	out := struct {
		Errors   int           `json:"errors"`
		Warnings int           `json:"warnings"`
		Problems []problemJSON `json:"problems"`
	}{Errors: problems.Errors(), Warnings: len(problems) - problems.Errors(), Problems: []problemJSON{}}
	for _, p := range problems {
		out.Problems = append(out.Problems, problemJSON{p.Place, p.Severity.String(), p.Rule, p.Message, p.Hint})
	}
	return encode(out)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return nil, fault.Wrap(fault.Internal, "print problems", err, "")
	}
	return b.Bytes(), nil
}

type junitSuites struct {
	XMLName  xml.Name     `xml:"testsuites"`
	Name     string       `xml:"name,attr"`
	Tests    int          `xml:"tests,attr"`
	Failures int          `xml:"failures,attr"`
	Suites   []junitSuite `xml:"testsuite"`
}

type junitSuite struct {
	Name     string      `xml:"name,attr"`
	Tests    int         `xml:"tests,attr"`
	Failures int         `xml:"failures,attr"`
	Cases    []junitCase `xml:"testcase"`
}

type junitCase struct {
	Name    string        `xml:"name,attr"`
	Class   string        `xml:"classname,attr"`
	File    string        `xml:"file,attr,omitempty"`
	Failure *junitFailure `xml:"failure,omitempty"`
	Out     string        `xml:"system-out,omitempty"`
}

type junitFailure struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr"`
	Text    string `xml:",chardata"`
}

// renderJUnit makes one suite of each file: an error is a failed case, a
// warning a passed one that speaks.
func renderJUnit(problems fault.Problems) ([]byte, error) {
	out := junitSuites{Name: "nines lint"}
	for _, p := range problems {
		if n := len(out.Suites); n == 0 || out.Suites[n-1].Name != p.Place.File {
			out.Suites = append(out.Suites, junitSuite{Name: p.Place.File})
		}
		suite := &out.Suites[len(out.Suites)-1]
		text := oneLine(p.String())
		c := junitCase{Name: fmt.Sprintf("%s at %s", p.Rule, p.Place), Class: "lint", File: p.Place.File}
		if p.Severity == fault.SeverityError {
			c.Failure = &junitFailure{Message: oneLine(p.Message), Type: p.Rule, Text: text}
			suite.Failures++
			out.Failures++
		} else {
			c.Out = text
		}
		suite.Cases = append(suite.Cases, c)
		suite.Tests++
		out.Tests++
	}
	if out.Tests == 0 {
		out.Tests = 1
		out.Suites = []junitSuite{{Name: "documents", Tests: 1, Cases: []junitCase{{Name: "no problems", Class: "lint"}}}}
	}
	text, err := xml.MarshalIndent(out, "", "  ")
	if err != nil {
		return nil, fault.Wrap(fault.Internal, "print problems", err, "")
	}
	return append([]byte(xml.Header), append(text, '\n')...), nil
}

// finding is an issue of GitLab's Code Quality report.
type finding struct {
	Description string `json:"description"`
	CheckName   string `json:"check_name"`
	Fingerprint string `json:"fingerprint"`
	Severity    string `json:"severity"`
	Location    struct {
		Path  string `json:"path"`
		Lines struct {
			Begin int `json:"begin"`
		} `json:"lines"`
	} `json:"location"`
}

// renderCodeQuality prints findings. A fingerprint does not hold the line, so
// that a finding stays the same when something is written above it; equal
// findings of a file are told apart by their order.
func renderCodeQuality(problems fault.Problems) ([]byte, error) {
	out := []finding{}
	seen := map[string]int{}
	for _, p := range problems {
		key := strings.Join([]string{p.Rule, p.Place.File, p.Message}, "\x00")
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%d", key, seen[key]))
		seen[key]++
		f := finding{Description: oneLine(p.Message), CheckName: p.Rule, Fingerprint: hex.EncodeToString(sum[:]), Severity: "major"}
		if p.Hint != "" {
			f.Description += " (" + oneLine(p.Hint) + ")"
		}
		if p.Severity == fault.SeverityWarning {
			f.Severity = "minor"
		}
		f.Location.Path = filepath.ToSlash(filepath.Clean(p.Place.File))
		f.Location.Lines.Begin = max(1, p.Place.Line)
		out = append(out, f)
	}
	return encode(out)
}

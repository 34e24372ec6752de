// Package junit prints results in the JUnit form that GitLab shows in merge
// requests.
package junit

import (
	"encoding/xml"
	"strings"
)

// Suite is a set of cases.
type Suite struct {
	Name  string
	Cases []Case
}

// Outcome is how a case ended. The zero value is an error: a case nobody
// judged has not passed.
type Outcome uint8

// The outcomes.
const (
	Errored Outcome = iota // could not be judged
	Passed
	Failed
)

// Case is one thing that was checked. Message and Text are shown when it did
// not pass; Out is what it printed.
type Case struct {
	Class, Name string
	File        string // may be empty
	Outcome     Outcome
	Kind        string // a short word for what went wrong
	Message     string
	Text        string
	Out         string
}

type suites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Suites   []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name     string    `xml:"name,attr"`
	Tests    int       `xml:"tests,attr"`
	Failures int       `xml:"failures,attr"`
	Errors   int       `xml:"errors,attr"`
	Cases    []xmlCase `xml:"testcase"`
}

type xmlCase struct {
	Class   string     `xml:"classname,attr"`
	Name    string     `xml:"name,attr"`
	File    string     `xml:"file,attr,omitempty"`
	Failure *xmlResult `xml:"failure"`
	Error   *xmlResult `xml:"error"`
	Out     *xmlText   `xml:"system-out"`
}

type xmlResult struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",chardata"`
}

type xmlText struct {
	Text string `xml:",chardata"`
}

// XML prints the suite as a document of its own.
func (s Suite) XML() ([]byte, error) {
	out := xmlSuite{Name: s.Name, Tests: len(s.Cases)}
	for _, c := range s.Cases {
		x := xmlCase{Class: c.Class, Name: c.Name, File: c.File}
		result := &xmlResult{Type: c.Kind, Message: printable(c.Message), Text: printable(c.Text)}
		switch c.Outcome {
		case Failed:
			x.Failure = result
			out.Failures++
		case Errored:
			x.Error = result
			out.Errors++
		case Passed:
		}
		if c.Out != "" {
			x.Out = &xmlText{printable(c.Out)}
		}
		out.Cases = append(out.Cases, x)
	}
	body, err := xml.MarshalIndent(suites{
		Tests: out.Tests, Failures: out.Failures, Errors: out.Errors, Suites: []xmlSuite{out},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return append([]byte(xml.Header), append(body, '\n')...), nil
}

// printable leaves out the control characters that XML 1.0 cannot hold.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, text)
}

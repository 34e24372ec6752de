package junit_test

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gitlab.com/nines-sre/nines/internal/render/junit"
)

func TestXML(t *testing.T) {
	got, err := junit.Suite{Name: "gate", Cases: []junit.Case{
		{Class: "nines.gate", Name: "a", Outcome: junit.Passed, Out: "all <well>"},
		{Class: "nines.gate", Name: "b", Outcome: junit.Failed, Kind: "exhausted", Message: `"no" & never`, Text: "spent"},
		{Class: "nines.gate", Name: "c", File: "slo.yaml", Message: "not judged"},
	}}.XML()
	if err != nil {
		t.Fatal(err)
	}
	want := `<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" errors="1">
  <testsuite name="gate" tests="3" failures="1" errors="1">
    <testcase classname="nines.gate" name="a">
      <system-out>all &lt;well&gt;</system-out>
    </testcase>
    <testcase classname="nines.gate" name="b">
      <failure type="exhausted" message="&#34;no&#34; &amp; never">spent</failure>
    </testcase>
    <testcase classname="nines.gate" name="c" file="slo.yaml">
      <error message="not judged"></error>
    </testcase>
  </testsuite>
</testsuites>
`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestForeignText checks that whatever stands in a text, the report stays XML.
func TestForeignText(t *testing.T) {
	for _, text := range []string{"\x1b[31m", "a\x00b", "]]>", "<!-- ", "\xff\xfe", "line\nline\ttab"} {
		got, err := junit.Suite{Cases: []junit.Case{{Name: text, Message: text, Text: text}, {Outcome: junit.Passed, Out: text}}}.XML()
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		d := xml.NewDecoder(strings.NewReader(string(got)))
		for {
			_, err := d.Token()
			if err != nil {
				if err.Error() != "EOF" {
					t.Errorf("%q: %v in %s", text, err, got)
				}
				break
			}
		}
	}
}

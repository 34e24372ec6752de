package analyze

import (
	"fmt"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Start is what a starting document is made from.
type Start struct {
	Service   string
	SLO       string
	Path      string // the recorded file, as the document will name it
	Objective string // displayName
	Target    Target
	Window    slo.Minute

	// Good (or Bad) and Total are the columns of counts; Value is the column of
	// values, with Op and Bound, and Step the width of one.
	Good, Bad, Total string
	Value            string
	Op               slo.Op
	Bound            slo.Amount
	Step             slo.Minute
}

// Document writes OpenSLO v1: a service and an SLO over the recorded file, to
// be pointed at a live source later. Names that are not plain are quoted.
func Document(s Start) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `# A start, from what the data of %s could have kept. Read it, agree on it,
# then point it at a live source.
apiVersion: openslo/v1
kind: Service
metadata:
  name: %s
spec: {}
---
apiVersion: openslo/v1
kind: SLO
metadata:
  name: %s
spec:
  service: %s
`, comment(s.Path), quote(s.Service), quote(s.SLO), quote(s.Service))
	if s.Value == "" {
		b.WriteString(s.counts())
	} else {
		b.WriteString(s.values())
	}
	fmt.Fprintf(&b, `  timeWindow:
    - duration: %s
      isRolling: true
`, duration(s.Window))
	return []byte(b.String())
}

func (s Start) counts() string {
	part, column := "good", s.Good
	if s.Bad != "" {
		part, column = "bad", s.Bad
	}
	return fmt.Sprintf(`  budgetingMethod: Occurrences
  indicator:
    metadata:
      name: %s
    spec:
      ratioMetric:
        counter: false
        %s:
          metricSource: {type: csv, spec: {path: %s, column: %s}}
        total:
          metricSource: {type: csv, spec: {path: %[3]s, column: %[5]s}}
  objectives:
    - displayName: %s
      target: %s
`, quote(s.Service+"-"+s.SLO), part, quote(s.Path), quote(column), quote(s.Total), quote(s.Objective), s.Target)
}

// values asks of each step whether it kept the bound, and of the window how
// many steps did.
func (s Start) values() string {
	return fmt.Sprintf(`  budgetingMethod: Timeslices
  indicator:
    metadata:
      name: %s
    spec:
      thresholdMetric:
        metricSource: {type: csv, spec: {path: %s, column: %s}}
  objectives:
    - displayName: %s
      op: %s
      value: %s
      target: %s
      timeSliceTarget: %[7]s
      timeSliceWindow: %[8]s
`, quote(s.Service+"-"+s.SLO), quote(s.Path), quote(s.Value), quote(s.Objective), opName(s.Op),
		decimal(int64(s.Bound), 6), s.Target, duration(s.Step))
}

// opName is the operator as OpenSLO spells it.
func opName(op slo.Op) string {
	switch op {
	case slo.LessThan:
		return "lt"
	case slo.GreaterThan:
		return "gt"
	case slo.GreaterOrEqual:
		return "gte"
	case slo.LessOrEqual:
	}
	return "lte"
}

// duration prints minutes as OpenSLO's shorthand.
func duration(m slo.Minute) string {
	switch {
	case m%slo.Day == 0:
		return fmt.Sprintf("%dd", m/slo.Day)
	case m%slo.Hour == 0:
		return fmt.Sprintf("%dh", m/slo.Hour)
	default:
		return fmt.Sprintf("%dm", m)
	}
}

// quote leaves plain names as they are. Everything else is written as a JSON
// string, which YAML reads the same; numbers and words that YAML would read as
// something else are quoted too.
func quote(s string) string {
	plain := s != ""
	for i, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		inner := r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' || r == '/'
		plain = plain && (letter || inner && i > 0)
	}
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
		plain = false
	}
	if plain {
		return s
	}
	return strconv.QuoteToASCII(s)
}

// comment keeps a name on its line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}

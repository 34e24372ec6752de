package cloudwatch

import (
	"regexp"
	"strings"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var _ metric.Widener = (*Source)(nil)

// widest is the step at which CloudWatch keeps what is older than 15 days: the
// same counts, a fifth of the datapoints.
const widest slo.Minute = 5

// Widest implements metric.Widener: five minutes for statistics that count or
// add (Sum, SampleCount, TC and TS between fixed bounds) and for SUM of such. Everything else (percentiles, averages, quotients, SQL)
// is another number over five minutes than over each of them.
func (s *Source) Widest(q metric.Query) slo.Minute {
	parsed, err := parse(q.Spec, s.opt.Details)
	if err != nil || parsed.SQL != "" || !additive(parsed) {
		return 0
	}
	if own := max(1, parsed.Period, q.Period); widest%own != 0 {
		return 0
	}
	return widest
}

// additive says whether a question's values over a step are the sum of those
// over its parts.
func additive(q *question) bool {
	if q.Stat != nil {
		return q.Stat.adds()
	}
	for _, st := range q.Stats {
		if !st.adds() {
			return false
		}
	}
	return linear(q.Expression) && len(q.Exprs) == 0
}

// adds says whether a statistic is a count or a sum of samples. Bounds in
// percent cut where the samples of the step lie, so those do not add.
func (s stat) adds() bool {
	name, bounds, _ := strings.Cut(s.Stat, "(")
	switch strings.ToUpper(name) {
	case "SUM", "SAMPLECOUNT":
		return bounds == ""
	case "TC", "TS":
		return !strings.Contains(bounds, "%")
	}
	return false
}

// linear says whether an expression is one name, or SUM([names]), which leaves
// out what has no datapoint. a + b has no value where either has none, and so
// would gain events in a wider step.
func linear(expression string) bool {
	plain := regexp.MustCompile(`^\s*[a-z]\w*\s*$`)
	sum := regexp.MustCompile(`^\s*SUM\(\s*\[\s*[a-z]\w*(\s*,\s*[a-z]\w*)*\s*\]\s*\)\s*$`)
	return plain.MatchString(expression) || sum.MatchString(expression)
}

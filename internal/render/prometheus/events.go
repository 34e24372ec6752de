package prometheus

import (
	"regexp"
	"strings"

	"gitlab.com/nines-sre/nines/internal/render/alarms"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// What is recorded of requests before slices are judged.
const (
	requests = "nines:requests_total:1m"
	failures = "nines:requests_bad:1m"
)

// plain is a selector without a range: the only thing that an offset can follow.
var plain = regexp.MustCompile("^[A-Za-z_:][A-Za-z0-9_:]*\\s*(\\{([^{}\"'`]|\"([^\"\\\\]|\\\\.)*\"|'([^'\\\\]|\\\\.)*'|`[^`]*`)*\\})?$")

// events records the events of a minute; why says what cannot be recorded.
func (m *maker) events() (why string) {
	o := m.o
	switch {
	case len(o.Members) > 0:
		return "it weighs several indicators, which no rule here does; its parts may have objectives of their own"
	case o.Type != Type:
		return "its data come from a source of type " + o.Type + ", not from Prometheus"
	case o.Budgeting != slo.Occurrences && o.Slice != 1:
		return "slices of " + slo.FormatLength(o.Slice) + " lie on the clock, and rules are evaluated minute by minute; slices of 1m can be judged"
	case o.Period > 1:
		return "its data have a step of " + slo.FormatLength(o.Period) + ", and rules count minutes"
	}
	total, bad := Total, Bad
	ratio, counts := o.Measured.(slo.Ratio)
	if counts && o.Budgeting != slo.Occurrences {
		total, bad = requests, failures
	}
	switch d := o.Measured.(type) {
	case slo.Ratio:
		why = m.ratio(ratio, total, bad)
	case slo.RawRatio:
		why = m.raw(d)
	case slo.Threshold:
		why = m.judged(d)
	default:
		why = "nothing is said about what it measures"
	}
	if why == "" && total != Total {
		m.slices()
	}
	return why
}

// query is the text of a query; why is what is wrong with it.
func query(q *slo.Query) (text, why string) {
	if q == nil {
		return "", "a query is missing"
	}
	text, _ = q.Spec["query"].(string)
	text = strings.Join(strings.Fields(text), " ")
	switch {
	case text == "":
		return "", "its source has no field query"
	case strings.Contains(text, "{{") || strings.Contains(text, "$__"):
		return "", "its query is a template of another program; write it without a window"
	}
	return text, ""
}

// minute is the number of events in the last minute: of a counter its growth, which
// after a restart is what it shows since.
func minute(q *slo.Query, counter bool) (expr, why string) {
	text, why := query(q)
	switch {
	case why != "":
		return "", why
	case !counter:
		return "sum(" + text + ")", ""
	case !plain.MatchString(text):
		return "", "the query of a counter must be a selector, as in http_requests_total{code=~\"5..\"}; rules take differences and sums themselves"
	}
	before := text + " offset 1m"
	return "sum((" + text + " - " + before + " >= 0) or (" + text + " and " + before + "))", ""
}

func (m *maker) ratio(d slo.Ratio, total, bad string) (why string) {
	all, why := minute(d.Total, d.Counter)
	if why != "" {
		return why
	}
	m.record(total, all)
	of := m.of(total)
	if d.Bad != nil && d.Good == nil {
		failed, why := minute(d.Bad, d.Counter)
		if why != "" {
			return why
		}
		m.record(bad, "("+failed+" or "+of+" * 0) and "+of)
		return ""
	}
	good, why := minute(d.Good, d.Counter)
	if why != "" {
		return why
	}
	m.record(bad, of+" - ("+good+" or "+of+" * 0)")
	return ""
}

// raw reads a ratio as good events of one a minute.
func (m *maker) raw(d slo.RawRatio) (why string) {
	text, why := query(d.Raw)
	if why != "" {
		return why
	}
	m.record(Total, "max(("+text+") * 0 + 1)")
	bad := "1 - max(" + text + ")"
	if d.Failure {
		bad = "max(" + text + ")"
	}
	m.record(Bad, bad)
	return ""
}

// judged holds a value against its bound each minute; of several series the worst
// counts.
func (m *maker) judged(d slo.Threshold) (why string) {
	text, why := query(d.Metric)
	if why != "" {
		return why
	}
	breach := map[slo.Op]string{slo.LessThan: ">=", slo.LessOrEqual: ">", slo.GreaterThan: "<=", slo.GreaterOrEqual: "<"}[d.Op]
	m.record(Total, "max(("+text+") * 0 + 1)")
	m.record(Bad, "max(("+text+") "+breach+" bool "+d.Bound.String()+")")
	return ""
}

// slices judges each minute: bad when its good share is below the slice's target;
// or, for the mean of ratios, its bad share.
func (m *maker) slices() {
	all, bad := m.of(requests), m.of(failures)
	m.record(Total, "("+all+" > 0) * 0 + 1")
	if m.o.Budgeting == slo.RatioTimeslices {
		m.record(Bad, bad+" / ("+all+" > 0)")
		return
	}
	left := m.o.SliceTarget.Complement()
	if left.Sign() <= 0 {
		m.record(Bad, "("+bad+" > bool 0) and "+all+" > 0")
		return
	}
	m.record(Bad, "("+alarms.Times(bad, "("+all+" > 0)", left)+") > bool 1")
}

package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// timeUnits says in which unit the services publish their latencies. It is the
// usual slip: load balancers publish seconds, Lambda and API Gateway
// milliseconds.
func timeUnits() map[string]string {
	const s, ms = "Seconds", "Milliseconds"
	return map[string]string{
		"AWS/ApplicationELB TargetResponseTime":    s,
		"AWS/ELB Latency":                          s,
		"AWS/SQS ApproximateAgeOfOldestMessage":    s,
		"AWS/RDS ReadLatency":                      s,
		"AWS/RDS WriteLatency":                     s,
		"AWS/Lambda Duration":                      ms,
		"AWS/Lambda PostRuntimeExtensionsDuration": ms,
		"AWS/ApiGateway Latency":                   ms,
		"AWS/ApiGateway IntegrationLatency":        ms,
		"AWS/AppSync Latency":                      ms,
		"AWS/CloudFront OriginLatency":             ms,
		"AWS/ECS TargetResponseTime":               ms,
		"AWS/DynamoDB SuccessfulRequestLatency":    ms,
		"AWS/States ExecutionTime":                 ms,
		"CloudWatchSynthetics Duration":            ms,
	}
}

// What a latency bound is hardly ever meant to be: half a minute or more where
// seconds are published, under five where milliseconds are.
const (
	longSeconds = "30"
	shortMillis = "5"
)

// slipped says what is odd about a bound in a metric's unit, and what may have
// been meant.
func slipped(spec slo.Spec, bound slo.Decimal) (msg, hint string) {
	name := fmt.Sprintf("%v %v", spec["namespace"], spec["metric"])
	if strings.Contains(name, "ApproximateAge") || strings.HasSuffix(name, "ExecutionTime") {
		return "", "" // minutes are usual there
	}
	switch unit := timeUnits()[name]; {
	case bound.Sign() <= 0:
	case unit == "Seconds" && bound.Cmp(slo.MustDecimal(longSeconds)) >= 0:
		meant, _ := bound.Shift(-3)
		return fmt.Sprintf("%v is published in seconds; %s is %s", spec["metric"], bound, inWords(bound)), fmt.Sprintf("for %s milliseconds write %s", bound, meant)
	case unit == "Milliseconds" && bound.Cmp(slo.MustDecimal(shortMillis)) < 0:
		meant, _ := bound.Shift(3)
		return fmt.Sprintf("%v is published in milliseconds; %s is %s ms", spec["metric"], bound, bound), fmt.Sprintf("for %s seconds write %s", bound, meant)
	}
	return "", ""
}

func inWords(seconds slo.Decimal) string { return fmt.Sprintf("%.4g minutes", seconds.Float()/60) }

// boundForm is a statistic with absolute bounds.
var boundForm = regexp.MustCompile(`^(TC|TS|TM|WM|PR)\(([0-9.]*):([0-9.]*)\)$`)

// boundsOf reads the bounds out of TC(:300), TS, TM, WM or PR.
func boundsOf(stat string) []slo.Decimal {
	m := boundForm.FindStringSubmatch(stat)
	var out []slo.Decimal
	for _, text := range m[min(2, len(m)):] {
		if d, err := slo.ParseDecimal(text); err == nil {
			out = append(out, d)
		}
	}
	return out
}

// unitOfCount warns of a bound inside a statistic that looks like the wrong
// unit.
func (l *loader) unitOfCount(n *openslo.Node, spec slo.Spec) {
	stat, _ := spec["stat"].(string)
	for _, b := range boundsOf(stat) {
		if msg, hint := slipped(spec, b); msg != "" {
			l.specProblems(n, []metric.SpecProblem{{Path: "stat", Message: msg, Hint: hint, Warning: true}})
			return
		}
	}
}

// unitOfBound warns of an objective's value that looks like the wrong unit.
func (l *loader) unitOfBound(spec slo.Spec, bound slo.Decimal, at fault.Place) {
	stat, _ := spec["stat"].(string)
	if slices.Contains([]string{"Sum", "SampleCount"}, stat) || len(boundsOf(stat)) > 0 {
		return // a count, not a time
	}
	if msg, hint := slipped(spec, bound); msg != "" {
		l.report.Warnf(at, "metric-source", hint, "%s", msg)
	}
}

// uncountable says why a statistic is no count; "" for one that is, and for
// one that is no statistic at all, which has been reported.
func uncountable(stat string) string {
	family := strings.ToLower(stat[:min(2, len(stat))])
	switch {
	case !statForm.MatchString(stat), stat == "Sum", stat == "SampleCount":
		return ""
	case family == "tc" && strings.HasPrefix(stat, "TC") && !strings.Contains(stat, "%"):
		return "" // between bounds that stay where they are
	case family == "tc" || family == "ts":
		return stat + " trims by percentile or adds values up, so it does not count what was good"
	case family == "pr":
		return "a percentile rank is a percentage of one period's samples; averaged over time it forgets how many there were"
	case stat[0] == 'p':
		return "a percentile is not a count; percentiles cannot be added up or averaged over time"
	case stat == "Minimum" || stat == "Maximum":
		return "an extreme is not a count"
	}
	return "a mean is not a count; a mean of means forgets how many samples each had"
}

// InSeconds says whether the metric of a CloudWatch query is published in seconds;
// those that are not known are taken for milliseconds.
func InSeconds(spec slo.Spec) bool {
	return timeUnits()[fmt.Sprintf("%v %v", spec["namespace"], spec["metric"])] == "Seconds"
}

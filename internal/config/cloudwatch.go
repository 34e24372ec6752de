package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// cloudWatch is the type of CloudWatch sources, as metricSource.type spells it.
const cloudWatch = "CloudWatch"

// The forms of what CloudWatch names (user guide, "CloudWatch statistics
// definitions" and the API reference of GetMetricData).
var (
	statForm     = regexp.MustCompile(`^(SampleCount|Sum|Average|Minimum|Maximum|IQM|(p|tm|wm|tc|ts)(100|[0-9]{1,2})(\.[0-9]{1,10})?|(TM|WM|TC|TS)\([0-9.]*%?:[0-9.]*%?\)|PR\([0-9.]*:[0-9.]*\))$`)
	regionForm   = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)
	roleForm     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$`)
	externalForm = regexp.MustCompile(`^[\w+=,.@:/-][\w+=,.@:/-]+$`)
	idForm       = regexp.MustCompile(`^[a-z][a-zA-Z0-9_]*$`)
	accountForm  = regexp.MustCompile(`^[0-9]{12}$`)
	textForm     = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	wordForm     = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`)
)

// maxDimensions is how many dimensions a metric may have.
const maxDimensions = 30

// cloudWatchUnits are the units a datum may carry.
func cloudWatchUnits() []string {
	out := []string{"Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"}
	for _, u := range []string{"Bytes", "Bits"} {
		for _, p := range []string{"", "Kilo", "Mega", "Giga", "Tera"} {
			name := p + strings.ToLower(u)
			if p == "" {
				name = u
			}
			out = append(out, name, name+"/Second")
		}
	}
	return out
}

// CheckCloudWatch finds what is wrong with a CloudWatch query's spec without
// asking CloudWatch: region or regions, accountId, roleArn, period, and either
// namespace, metric, dimensions, stat and unit, or expression over named
// queries, or sql. It is the Check of the metric.Type "CloudWatch".
func CheckCloudWatch(spec slo.Spec) []metric.SpecProblem {
	c := &cwCheck{}
	c.known("", spec, "a CloudWatch query", "region", "regions", "accountId", "roleArn", "externalId", "period",
		"namespace", "metric", "dimensions", "stat", "unit", "expression", "queries", "sql")
	c.where(spec)
	forms := 0
	for _, form := range []string{"metric", "expression", "sql"} {
		if spec[form] != nil {
			forms++
		}
	}
	switch {
	case forms > 1:
		c.say("", "metric, expression and sql exclude each other", "keep the one that is meant")
	case spec["sql"] != nil:
		c.sql(spec)
	case spec["expression"] != nil:
		c.expression(spec)
	default:
		c.stat("", spec)
	}
	return c.problems
}

type cwCheck struct{ problems []metric.SpecProblem }

func (c *cwCheck) say(path, message, hint string) {
	c.problems = append(c.problems, metric.SpecProblem{Path: path, Message: message, Hint: hint})
}

func (c *cwCheck) warn(path, message, hint string) {
	c.problems = append(c.problems, metric.SpecProblem{Path: path, Message: message, Hint: hint, Warning: true})
}

// known reports fields that have no meaning.
func (c *cwCheck) known(at string, spec slo.Spec, what string, fields ...string) {
	for _, key := range sortedKeys(spec) {
		if !slices.Contains(fields, key) {
			c.say(join(at, key), fmt.Sprintf("%s has no field %q", what, clipText(key)), openslo.DidYouMean(key, fields))
		}
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

func (c *cwCheck) matches(path string, v any, form *regexp.Regexp, says [2]string) {
	if v == nil {
		return
	}
	if s, ok := v.(string); !ok || !form.MatchString(s) {
		c.say(path, fmt.Sprintf("%v is not %s", printed(v), says[0]), says[1])
	}
}

func printed(v any) string {
	if s, ok := v.(string); ok {
		return quoted(s)
	}
	return clipText(fmt.Sprint(v))
}

// period wants whole minutes: 60, 60s, 5m, 1h.
func (c *cwCheck) period(v any) {
	if v == nil {
		return
	}
	s, _ := v.(string)
	d, err := time.ParseDuration(s)
	if err != nil {
		d, err = time.ParseDuration(s + "s")
	}
	if err != nil || d < time.Minute || d > 24*time.Hour || d%time.Minute != 0 {
		c.say("period", fmt.Sprintf("%s is not a period", printed(v)), "whole minutes, as in 60, 5m or 1h; history is kept by the minute")
	}
}

// stat checks one statistic of one metric.
func (c *cwCheck) stat(at string, spec slo.Spec) {
	for _, field := range []string{"namespace", "metric", "stat"} {
		switch s, ok := spec[field].(string); {
		case spec[field] == nil:
			hint := map[string]string{"stat": "Sum, SampleCount or TC(:300)", "namespace": "as in AWS/ApplicationELB"}[field]
			c.say(at, fmt.Sprintf("a CloudWatch query needs the field %q", field), hint)
		case !ok || strings.TrimSpace(s) == "":
			c.say(join(at, field), fmt.Sprintf("%s must be a text", field), "")
		}
	}
	if s, ok := spec["stat"].(string); ok && s != "" && !statForm.MatchString(s) {
		c.say(join(at, "stat"), fmt.Sprintf("%s is not a statistic of CloudWatch", quoted(s)),
			openslo.DidYouMean(s, []string{"Sum", "SampleCount", "Average", "Minimum", "Maximum", "IQM", "p99", "TC(:300)", "PR(:300)"}))
	}
	if u, ok := spec["unit"].(string); ok && !slices.Contains(cloudWatchUnits(), u) {
		c.say(join(at, "unit"), fmt.Sprintf("%s is not a unit of CloudWatch", quoted(u)), openslo.DidYouMean(u, cloudWatchUnits()))
	}
	c.dimensions(at, spec["dimensions"])
}

func (c *cwCheck) dimensions(at string, v any) {
	if v == nil {
		return
	}
	path := join(at, "dimensions")
	dims, ok := v.(slo.Spec)
	if !ok {
		c.say(path, "dimensions must be names and values", "write dimensions: {LoadBalancer: app/web/0123456789abcdef}")
		return
	}
	if len(dims) > maxDimensions {
		c.say(path, fmt.Sprintf("has %d dimensions; CloudWatch allows %d", len(dims), maxDimensions), "")
	}
	for _, name := range sortedKeys(dims) {
		if s, ok := dims[name].(string); !ok || s == "" {
			c.say(path+"."+name, fmt.Sprintf("the value of dimension %s must be a text", clipText(name)), "")
		}
	}
}

func (c *cwCheck) sql(spec slo.Spec) {
	if s, ok := spec["sql"].(string); !ok || !strings.HasPrefix(strings.ToUpper(strings.TrimSpace(s)), "SELECT") {
		c.say("sql", "sql must be a Metrics Insights statement", "it begins with SELECT")
		return
	}
	c.warn("sql", "Metrics Insights answers for the last three hours only, so coverage begins when this is adopted",
		"where the metrics can be named, an expression over queries has 15 days of history")
}

// expression checks the parts of metric math and that its names are there.
func (c *cwCheck) expression(spec slo.Spec) {
	text, ok := spec["expression"].(string)
	if !ok || strings.TrimSpace(text) == "" {
		c.say("expression", "expression must be a text", "as in errors + throttles")
		return
	}
	parts := c.queries(spec["queries"])
	used := map[string]bool{}
	c.names("expression", text, parts, used)
	c.averages("expression", text, parts)
	for _, id := range sortedKeys(parts) {
		if sub, ok := parts[id].spec["expression"].(string); ok {
			c.names(parts[id].path+".expression", sub, parts, used)
			c.averages(parts[id].path+".expression", sub, parts)
		}
	}
	for _, id := range sortedKeys(parts) {
		if !used[id] {
			c.warn(parts[id].path, fmt.Sprintf("query %s is not used by the expression", id), "leave it out; CloudWatch charges for it")
		}
	}
}

// part is one named query of an expression.
type part struct {
	path string
	spec slo.Spec
}

// queries reads named queries: a mapping by name, or a list with ids.
func (c *cwCheck) queries(v any) map[string]part {
	out := map[string]part{}
	add := func(id, path string, v any) {
		spec, ok := v.(slo.Spec)
		if !ok {
			c.say(path, "a query must be a mapping", "write errors: {namespace: AWS/Lambda, metric: Errors, stat: Sum}")
			return
		}
		if !idForm.MatchString(id) {
			c.say(path, fmt.Sprintf("%s cannot be the name of a query", quoted(id)), "begin with a small letter; letters, digits and _ may follow")
			return
		}
		if _, twice := out[id]; twice {
			c.say(path, fmt.Sprintf("two queries are called %s", id), "")
		}
		out[id] = part{path, spec}
		c.known(path, spec, "a CloudWatch query", "id", "namespace", "metric", "dimensions", "stat", "unit", "accountId", "expression")
		if spec["expression"] == nil {
			c.stat(path, spec)
		}
	}
	switch q := v.(type) {
	case slo.Spec:
		for _, id := range sortedKeys(q) {
			add(id, "queries."+id, q[id])
		}
	case []any:
		for i, item := range q {
			spec, _ := item.(slo.Spec)
			id, _ := spec["id"].(string)
			add(id, fmt.Sprintf("queries[%d]", i), item)
		}
	case nil:
	default:
		c.say("queries", "queries must be named", "write queries: {errors: {namespace: AWS/Lambda, metric: Errors, stat: Sum}}")
	}
	return out
}

// names checks that every name in an expression is that of a query. Functions
// are followed by a bracket or written in capitals; texts stand in quotes.
func (c *cwCheck) names(path, text string, parts map[string]part, used map[string]bool) {
	bare := textForm.ReplaceAllString(text, " ")
	for _, id := range wordForm.FindAllString(bare, -1) {
		if id[0] >= 'A' && id[0] <= 'Z' {
			if strings.HasPrefix(id, "METRICS") {
				for name := range parts {
					used[name] = true
				}
			}
			continue
		}
		used[id] = true
		if _, ok := parts[id]; !ok {
			c.say(path, fmt.Sprintf("the expression names %s, which is no query", id), openslo.DidYouMean(id, sortedKeys(parts)))
		}
	}
}

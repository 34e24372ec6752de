package cloudwatch

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// place is where a query is sent: one client each.
type place struct {
	Region     string
	Role       string
	ExternalID string // what the role asks for
}

// stat is one statistic of one metric.
type stat struct {
	Namespace  string
	Metric     string
	Dimensions []dimension // by name
	Stat       string
	Unit       string
	Account    string // of a linked account, seen from a monitoring account
}

type dimension struct{ Name, Value string }

// metricKey identifies what is billed: statistics of the same metric in one
// request count once, up to five.
func (s stat) metricKey() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\x00%s\x00%s\x00%s", s.Account, s.Namespace, s.Metric, s.Unit)
	for _, d := range s.Dimensions {
		b.WriteString("\x00" + d.Name + "=" + d.Value)
	}
	return b.String()
}

// question is a query's spec, understood: one statistic, or an expression over
// named statistics and expressions, or a Metrics Insights statement.
type question struct {
	Places     []place
	Period     slo.Minute // 0: the source's own
	Stat       *stat
	Expression string
	Stats      map[string]stat
	Exprs      map[string]string
	SQL        string
	Account    string
}

// alone says whether the question must have a request to itself: METRICS()
// takes in every metric of its request, and only one Insights statement may
// stand in one.
func (q *question) alone() bool {
	return q.SQL != "" || strings.Contains(q.Expression, "METRICS(")
}

// signature is equal for equal questions.
func (q *question) signature() string {
	b, err := json.Marshal(q)
	if err != nil {
		return fmt.Sprintf("%p", q) // cannot happen: texts and numbers only; unshared is safe
	}
	return string(b)
}

// width is how many queries the question takes up in a request.
func (q *question) width() int { return 1 + len(q.Stats) + len(q.Exprs) }

// parse reads a spec. What lint should have refused is an error here too.
func parse(spec, details slo.Spec) (*question, error) {
	r := reader{spec: spec, details: details}
	q := &question{Account: r.text("accountId"), SQL: r.text("sql"), Expression: r.text("expression")}
	regions := r.list("regions")
	if region := r.text("region"); len(regions) == 0 {
		regions = []string{region}
	}
	for _, region := range regions {
		q.Places = append(q.Places, place{Region: region, Role: r.text("roleArn"), ExternalID: r.text("externalId")})
	}
	q.Period = r.period()
	switch {
	case q.SQL != "":
	case q.Expression != "":
		r.queries(q)
	default:
		s := r.stat(spec, q.Account)
		q.Stat = &s
	}
	if r.err != nil {
		return nil, fault.Wrap(fault.Invalid, "CloudWatch query", r.err, "run nines lint")
	}
	return q, nil
}

// reader takes values out of a spec and keeps the first thing wrong.
type reader struct {
	spec, details slo.Spec
	err           error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// text reads a field of the spec, or of the data source's details.
func (r *reader) text(name string) string {
	v, ok := r.spec[name]
	if !ok {
		v, ok = r.details[name]
	}
	if !ok || v == nil {
		return ""
	}
	s, ok := v.(string)
	if !ok {
		r.fail("%s is not a text", name)
	}
	return s
}

func (r *reader) list(name string) []string {
	v, ok := r.spec[name]
	if !ok {
		v = r.details[name]
	}
	items, _ := v.([]any)
	var out []string
	for _, item := range items {
		s, ok := item.(string)
		if !ok {
			r.fail("%s holds something that is not a text", name)
			continue
		}
		out = append(out, s)
	}
	if texts, ok := v.([]string); ok {
		out = slices.Clone(texts)
	}
	return out
}

// period reads "60", "60s", "5m" or "1h" as whole minutes.
func (r *reader) period() slo.Minute {
	text := r.text("period")
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if n, nerr := strconv.Atoi(text); nerr == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d < time.Minute || d%time.Minute != 0 {
		r.fail("period %q is not a whole number of minutes", text)
		return 0
	}
	return slo.Minute(d / time.Minute)
}

func (r *reader) stat(spec slo.Spec, account string) stat {
	in := reader{spec: spec}
	s := stat{
		Namespace: in.text("namespace"), Metric: in.text("metric"), Stat: in.text("stat"),
		Unit: in.text("unit"), Account: in.text("accountId"),
	}
	if s.Account == "" {
		s.Account = account
	}
	for _, want := range []struct{ name, value string }{{"namespace", s.Namespace}, {"metric", s.Metric}, {"stat", s.Stat}} {
		if want.value == "" {
			in.fail("%s is missing", want.name)
		}
	}
	dims, _ := asSpec(spec["dimensions"])
	for name, value := range dims {
		text, ok := value.(string)
		if !ok {
			in.fail("dimension %s is not a text", name)
		}
		s.Dimensions = append(s.Dimensions, dimension{name, text})
	}
	sort.Slice(s.Dimensions, func(i, j int) bool { return s.Dimensions[i].Name < s.Dimensions[j].Name })
	if in.err != nil {
		r.fail("%w", in.err)
	}
	return s
}

// queries reads the named parts of an expression: a list of specs with an id,
// or specs by name.
func (r *reader) queries(q *question) {
	q.Stats, q.Exprs = map[string]stat{}, map[string]string{}
	add := func(id string, spec slo.Spec) {
		if id == "" {
			r.fail("a query of the expression has no id")
		} else if expr, ok := spec["expression"].(string); ok {
			q.Exprs[id] = expr
		} else {
			q.Stats[id] = r.stat(spec, q.Account)
		}
	}
	if byName, ok := asSpec(r.spec["queries"]); ok {
		for id, v := range byName {
			spec, ok := asSpec(v)
			if !ok {
				r.fail("query %s is not a set of fields", id)
				continue
			}
			add(id, spec)
		}
		return
	}
	items, _ := r.spec["queries"].([]any)
	for _, item := range items {
		spec, ok := asSpec(item)
		if !ok {
			r.fail("queries holds something that is not a query")
			continue
		}
		id, _ := spec["id"].(string)
		add(id, spec)
	}
}

func asSpec(v any) (slo.Spec, bool) {
	switch m := v.(type) {
	case slo.Spec:
		return m, true
	case map[string]any:
		return m, true
	}
	return nil, false
}

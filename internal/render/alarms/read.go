package alarms

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Metric is one statistic of one metric.
type Metric struct {
	Namespace, Name string
	Dimensions      []Dimension // by name
	Stat, Unit      string
}

// Dimension is a name and a value.
type Dimension struct{ Name, Value string }

// Query is one entry of an alarm's Metrics: a metric, or an expression.
type Query struct {
	ID         string
	Expression string
	Label      string
	Metric     *Metric
	Account    string // of a linked account, seen from a monitoring account
	Return     bool   // the alarm looks at it
	SQL        bool   // the expression is a Metrics Insights statement
}

// place is where an alarm must stand: beside its metrics.
type place struct{ Account, Region string }

// series is a query of a document, understood: its last entry is called like
// the series.
type series struct {
	queries []Query
	at      place
	period  slo.Minute
	// exact says that its value over a window is the sum of those of the window's
	// parts.
	exact bool
}

var (
	texts   = regexp.MustCompile(`"[^"]*"|'[^']*'`)
	words   = regexp.MustCompile(`'[^']*'|"[^"]*"|[A-Za-z_][A-Za-z0-9_]*`)
	tokens  = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*|[0-9.]+|[-+*/^]|[^\s]`)
	account = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/`)
)

// reader reads specs; why keeps the first thing that cannot stand in an alarm.
type reader struct {
	details slo.Spec
	why     string
}

func (r *reader) refuse(format string, args ...any) {
	if r.why == "" {
		r.why = fmt.Sprintf(format, args...)
	}
}

// text is a field of a spec, or of the data source's details.
func (r *reader) text(spec slo.Spec, name string) string {
	if s, ok := spec[name].(string); ok {
		return s
	}
	s, _ := r.details[name].(string)
	return s
}

// read makes the entries of a spec that is called id.
func (r *reader) read(spec slo.Spec, id string) series {
	out := series{at: r.place(spec), period: r.period(spec), exact: true}
	linked := r.text(spec, "accountId")
	switch {
	case spec["sql"] != nil:
		text, _ := spec["sql"].(string)
		out.queries = []Query{{ID: id, Expression: strings.Join(strings.Fields(text), " "), Account: linked, SQL: true}}
	case spec["expression"] != nil:
		text, _ := spec["expression"].(string)
		out.queries, out.exact = r.expression(spec, text, id)
	default:
		out.queries = []Query{{ID: id, Metric: metricOf(spec), Account: linked}}
	}
	return out
}

// place is the region and the account of a spec. Several regions cannot be
// added up by one alarm.
func (r *reader) place(spec slo.Spec) place {
	at := place{Region: r.text(spec, "region")}
	list := spec["regions"]
	if list == nil {
		list = r.details["regions"]
	}
	if regions, _ := list.([]any); len(regions) > 1 {
		r.refuse("it adds up the metrics of %d regions, and an alarm sees those of its own", len(regions))
	} else if len(regions) == 1 {
		at.Region, _ = regions[0].(string)
	}
	if m := account.FindStringSubmatch(r.text(spec, "roleArn")); m != nil {
		at.Account = m[1]
	}
	return at
}

func (r *reader) period(spec slo.Spec) slo.Minute {
	text := r.text(spec, "period")
	if n, err := strconv.Atoi(text); err == nil {
		return slo.Minute(n / 60)
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0
	}
	return slo.Minute(d / time.Minute)
}

func metricOf(spec slo.Spec) *Metric {
	m := &Metric{}
	m.Namespace, _ = spec["namespace"].(string)
	m.Name, _ = spec["metric"].(string)
	m.Stat, _ = spec["stat"].(string)
	m.Unit, _ = spec["unit"].(string)
	dims, _ := asSpec(spec["dimensions"])
	for _, name := range slices.Sorted(maps.Keys(dims)) {
		value, _ := dims[name].(string)
		m.Dimensions = append(m.Dimensions, Dimension{name, value})
	}
	return m
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

// expression makes the entries of an expression and its named parts; exact says
// that computing it once for a window is adding up its minutes.
func (r *reader) expression(spec slo.Spec, text, id string) (out []Query, exact bool) {
	parts := named(spec["queries"])
	names := map[string]string{}
	for name := range parts {
		names[name] = id + "_" + name
	}
	exact = true
	formula := func(id, text string) {
		bare := texts.ReplaceAllString(text, " ")
		switch {
		case strings.Contains(bare, "SEARCH"):
			r.refuse("it asks by SEARCH, which alarms do not know")
		case strings.Contains(bare, "METRICS"):
			r.refuse("METRICS() would take in every metric of the alarm")
		case strings.Contains(bare, "ANOMALY") || strings.Contains(bare, "INSIGHT_RULE"):
			r.refuse("its expression asks another service")
		}
		exact = exact && linear(bare)
		out = append(out, Query{ID: id, Expression: rename(text, names)})
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part := parts[name]
		if sub, ok := part["expression"].(string); ok {
			formula(names[name], sub)
			continue
		}
		linked := r.text(part, "accountId")
		if linked == "" {
			linked = r.text(spec, "accountId")
		}
		out = append(out, Query{ID: names[name], Metric: metricOf(part), Account: linked})
	}
	formula(id, text)
	return out, exact
}

// named are the parts of an expression: specs by name, or a list with ids.
func named(v any) map[string]slo.Spec {
	out := map[string]slo.Spec{}
	if byName, ok := asSpec(v); ok {
		for id, item := range byName {
			if spec, ok := asSpec(item); ok {
				out[id] = spec
			}
		}
	}
	items, _ := v.([]any)
	for _, item := range items {
		if spec, ok := asSpec(item); ok {
			if id, _ := spec["id"].(string); id != "" {
				out[id] = spec
			}
		}
	}
	return out
}

// rename gives parts names that are unique in an alarm. Texts stay.
func rename(text string, names map[string]string) string {
	return words.ReplaceAllStringFunc(text, func(w string) string {
		if name, ok := names[w]; ok {
			return name
		}
		return w
	})
}

// linear says whether an expression only adds, and scales by numbers: computed
// once over a window it then gives what its minutes add up to. What is not
// understood is not linear.
func linear(text string) bool {
	all := tokens.FindAllString(text, -1)
	number := func(i int) bool {
		return i >= 0 && i < len(all) && strings.Trim(all[i], "0123456789.") == ""
	}
	// A number that is added counts once a window, not once a minute.
	term := func(i int) bool { return number(i) && !scaled(all, i) }
	for i, tok := range all {
		bends := false
		switch tok {
		case "*":
			bends = !number(i-1) && !number(i+1)
		case "/":
			bends = !number(i + 1)
		case "+", "-":
			bends = term(i-1) || term(i+1)
		case "SUM", "FILL":
		default:
			bends = strings.Trim(tok, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == "" || strings.Contains("<>=!&|^", tok)
		}
		if bends {
			return false
		}
	}
	return true
}

// scaled says whether the number at i is a factor, not a term.
func scaled(all []string, i int) bool {
	factor := func(k int) bool { return k >= 0 && k < len(all) && (all[k] == "*" || all[k] == "/") }
	return factor(i-1) || factor(i+1)
}

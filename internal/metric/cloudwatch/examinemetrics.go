package cloudwatch

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/middleware"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

const (
	// fresh is how old the newest datapoint of a live metric may be.
	fresh = 15 * time.Minute
	// A bound that is a thousand times the average lets everything pass, and one
	// that is a twentieth of it nothing: milliseconds were held against seconds.
	loose, tight = 1000, 20
	// looked is how many pages of ListMetrics are read for a guess.
	looked = 10
)

// look asks whether a metric is listed with exactly its dimensions; if it is
// not, what is there that may have been meant.
func (x *examiner) look(ctx context.Context, api *examined, m *subject) {
	st := m.stat
	for _, found := range x.list(ctx, api, st, 1) {
		if len(found.Dimensions) == len(st.Dimensions) {
			m.listed = true
			return
		}
	}
	if same := x.list(ctx, api, stat{Namespace: st.Namespace, Metric: st.Metric, Account: st.Account}, looked); len(same) > 0 {
		m.near = nearDimensions(st, same)
		return
	}
	if names := distinct(x.list(ctx, api, stat{Namespace: st.Namespace, Account: st.Account}, looked), metricName); len(names) > 0 {
		m.near = fmt.Sprintf("%s has no metric %s; %s", st.Namespace, st.Metric, openslo.DidYouMean(st.Metric, few(names)))
		if s := openslo.Suggest(st.Metric, names); s != "" {
			m.near = fmt.Sprintf("%s has no metric %s; did you mean %q?", st.Namespace, st.Metric, s)
		}
		return
	}
	spaces := distinct(x.list(ctx, api, stat{Account: st.Account}, looked), namespace)
	m.near = fmt.Sprintf("there is no namespace %s in %s; ", st.Namespace, api.place.name())
	switch s := openslo.Suggest(st.Namespace, spaces); {
	case s != "":
		m.near += fmt.Sprintf("did you mean %q?", s)
	case len(spaces) == 0:
		m.near += "nothing publishes there at all: is it the right region?"
	default:
		m.near += "there are " + strings.Join(few(spaces), ", ") + ": is it the right region?"
	}
}

func metricName(m types.Metric) string { return aws.ToString(m.MetricName) }
func namespace(m types.Metric) string  { return aws.ToString(m.Namespace) }

// few keeps a list short enough to read.
func few(names []string) []string { return names[:min(len(names), 8)] }

func distinct(all []types.Metric, of func(types.Metric) string) []string {
	var out []string
	for _, m := range all {
		out = append(out, of(m))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// list lists metrics that a statistic's names and dimensions select; empty names
// select all. Errors end the list: it is only for guesses, and whether listing
// is allowed is known by now.
func (x *examiner) list(ctx context.Context, api *examined, st stat, pages int) []types.Metric {
	in := &cw.ListMetricsInput{Namespace: optional(st.Namespace), MetricName: optional(st.Metric)}
	for _, d := range st.Dimensions {
		in.Dimensions = append(in.Dimensions, types.DimensionFilter{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	if st.Account != "" {
		in.IncludeLinkedAccounts, in.OwningAccount = aws.Bool(true), aws.String(st.Account)
	}
	var out []types.Metric
	for range pages {
		if x.s.limits.lists.spend(ctx, 1) != nil {
			return out
		}
		var page *cw.ListMetricsOutput
		err := x.ask(ctx, "ListMetrics", api.place, func(ctx context.Context) (middleware.Metadata, error) {
			var err error
			if page, err = api.ListMetrics(ctx, in); err != nil {
				return middleware.Metadata{}, err
			}
			return page.ResultMetadata, nil
		})
		if err != nil {
			return out
		}
		out = append(out, page.Metrics...)
		if in.NextToken = page.NextToken; aws.ToString(in.NextToken) == "" {
			return out
		}
	}
	return out
}

// nearDimensions says what is wrong with the dimensions of a metric that is
// there with others.
func nearDimensions(st stat, there []types.Metric) string {
	names := func(n int, name func(int) string) string {
		var out []string
		for i := range n {
			out = append(out, name(i))
		}
		slices.Sort(out)
		return strings.Join(out, ", ")
	}
	want := names(len(st.Dimensions), func(i int) string { return st.Dimensions[i].Name })
	values := map[string][]string{}
	var sets []string
	for _, m := range there {
		set := names(len(m.Dimensions), func(i int) string { return aws.ToString(m.Dimensions[i].Name) })
		sets = append(sets, "{"+set+"}")
		if set != want {
			continue
		}
		for _, d := range m.Dimensions {
			values[aws.ToString(d.Name)] = append(values[aws.ToString(d.Name)], aws.ToString(d.Value))
		}
	}
	if len(values) == 0 {
		slices.Sort(sets)
		return fmt.Sprintf("%s is published by %s, not by {%s}: CloudWatch wants exactly those dimensions", st.Metric, strings.Join(few(slices.Compact(sets)), " or "), want)
	}
	for _, d := range st.Dimensions {
		slices.Sort(values[d.Name])
		known := slices.Compact(values[d.Name])
		if slices.Contains(known, d.Value) {
			continue
		}
		if s := openslo.Suggest(d.Value, known); s != "" {
			return fmt.Sprintf("no %s is called %q; did you mean %q?", d.Name, d.Value, s)
		}
		return fmt.Sprintf("no %s is called %q; there are %s", d.Name, d.Value, strings.Join(few(known), ", "))
	}
	return "each value is there, but not together in one metric"
}

// verdict is what a look at a metric came to.
type verdict struct {
	outcome  metric.Outcome
	text, do string
}

// judge says what is right or wrong with one metric.
func (x *examiner) judge(m *subject, mayList, mayRead bool) {
	v := verdict{metric.Unknown, "it could not be read", ""}
	switch {
	case len(m.recent) == 0 && mayList && !m.listed:
		v = m.missing()
	case !mayRead || m.partial:
	case len(m.recent) == 0:
		v = m.silent(mayList)
	default:
		v = m.live(x.s.opt.Now().Sub(m.latest).Round(time.Minute))
	}
	x.say(about{"metric", strings.Join(m.keys, ", ")}, v.outcome, m.name()+": "+v.text, v.do)
}

// missing is a metric that is not listed.
func (m *subject) missing() verdict {
	if m.sparse {
		return verdict{metric.Warn, "it has had no datapoint in two weeks, which is read as nothing having gone wrong", "make sure of its name: " + m.near}
	}
	return verdict{metric.Fail, "no such metric in " + m.place.name(), m.near}
}

// silent is a metric without a datapoint in two weeks.
func (m *subject) silent(mayList bool) verdict {
	switch {
	case m.other && m.stat.Unit != "":
		return verdict{metric.Fail, "it is published, but not in the unit " + m.stat.Unit, "leave unit out, or name the unit it is published in"}
	case !mayList:
		return verdict{metric.Unknown, "it has no datapoint in two weeks; whether it exists cannot be told", "allow " + listMetrics}
	}
	return verdict{metric.Warn, "it exists, but has had no datapoint in two weeks", "is what publishes it still there?"}
}

// live is a metric with datapoints, the newest of some age.
func (m *subject) live(age time.Duration) verdict {
	old := age > fresh+time.Duration(m.step())*time.Minute
	switch {
	case old && m.sparse:
		return verdict{metric.OK, fmt.Sprintf("quiet; its newest datapoint is %s old", words(age)), ""}
	case old:
		return verdict{
			metric.Warn, fmt.Sprintf("it has stopped: its newest datapoint is %s old", words(age)),
			"is what publishes it still running? until it is back its minutes are unmeasured or silent, never good",
		}
	case m.step() > m.period:
		return verdict{
			metric.Warn, fmt.Sprintf("it is published every %d min, and asked for every %d", m.step(), m.period),
			fmt.Sprintf("write period: %dm, or turn on detailed monitoring", m.step()),
		}
	}
	if bound := m.doubt(); bound != 0 {
		return verdict{
			metric.Warn, fmt.Sprintf("the bound %v is far from the average of the last three hours, %.4g", bound, m.average),
			"is it in the metric's unit? (AWS/ApplicationELB response times are seconds, API Gateway and Lambda milliseconds)",
		}
	}
	return verdict{metric.OK, "its newest datapoint is " + words(age) + " old", ""}
}

func words(age time.Duration) string {
	if age >= 48*time.Hour {
		return fmt.Sprintf("%d days", int(age/(24*time.Hour)))
	}
	return strings.TrimSuffix(max(age, time.Minute).Round(time.Minute).String(), "0s")
}

func (m *subject) name() string {
	var dims []string
	for _, d := range m.stat.Dimensions {
		dims = append(dims, d.Name+"="+d.Value)
	}
	name := m.stat.Namespace + " " + m.stat.Metric
	if len(dims) > 0 {
		name += " {" + strings.Join(dims, ", ") + "}"
	}
	return name
}

// step is how far apart the datapoints of the last three hours lie, in minutes:
// the longest of 1, 5 and 60 on whose grid all of them are. A few cannot tell.
func (m *subject) step() int64 {
	const few = 4
	if len(m.recent) < few {
		return m.period
	}
	slices.SortFunc(m.recent, time.Time.Compare)
	least := time.Hour
	for i := 1; i < len(m.recent); i++ {
		if gap := m.recent[i].Sub(m.recent[i-1]); gap > 0 {
			least = min(least, gap)
		}
	}
	if least >= 5*time.Minute && least%(5*time.Minute) == 0 {
		return int64(least / time.Minute)
	}
	return 1
}

// doubt is a bound that is so far from the average that its unit is in doubt, or
// 0.
func (m *subject) doubt() float64 {
	for _, b := range m.bounds {
		if m.average > 0 && (b/m.average > loose || m.average/b > tight) {
			return b
		}
	}
	return 0
}

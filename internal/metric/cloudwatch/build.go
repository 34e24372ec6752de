package cloudwatch

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// input writes a call as the service wants it. The queries whose data come back
// are named q0, q1, ... in the order of call.asked.
func (c *call) input() *cw.GetMetricDataInput {
	in := &cw.GetMetricDataInput{
		StartTime:     aws.Time(c.cut.span.From.Time()),
		EndTime:       aws.Time(c.cut.span.To.Time()),
		ScanBy:        types.ScanByTimestampAscending,
		MaxDatapoints: aws.Int32(maxDatapoints),
	}
	period := aws.Int32(int32(c.cut.period * 60)) //nolint:gosec // a period is at most a day
	for i, a := range c.asked {
		in.MetricDataQueries = append(in.MetricDataQueries, a.queries(fmt.Sprintf("q%d", i), period)...)
	}
	return in
}

func (q *question) queries(id string, period *int32) []types.MetricDataQuery {
	switch {
	case q.Stat != nil:
		return []types.MetricDataQuery{q.Stat.query(id, period, true)}
	case q.SQL != "":
		return []types.MetricDataQuery{{Id: aws.String(id), Expression: aws.String(q.SQL), Period: period, AccountId: optional(q.Account)}}
	}
	names := map[string]string{}
	for name := range q.Stats {
		names[name] = id + "_" + name
	}
	for name := range q.Exprs {
		names[name] = id + "_" + name
	}
	out := []types.MetricDataQuery{{Id: aws.String(id), Expression: aws.String(rename(q.Expression, names)), Period: period}}
	for _, name := range slices.Sorted(maps.Keys(q.Stats)) {
		out = append(out, q.Stats[name].query(names[name], period, false))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Exprs)) {
		out = append(out, types.MetricDataQuery{
			Id: aws.String(names[name]), Expression: aws.String(rename(q.Exprs[name], names)),
			Period: period, ReturnData: aws.Bool(false),
		})
	}
	return out
}

func (s stat) query(id string, period *int32, data bool) types.MetricDataQuery {
	return types.MetricDataQuery{
		Id: aws.String(id), AccountId: optional(s.Account), ReturnData: aws.Bool(data),
		MetricStat: &types.MetricStat{
			Metric: s.metric(), Period: period, Stat: aws.String(s.Stat), Unit: types.StandardUnit(s.Unit),
		},
	}
}

func (s stat) metric() *types.Metric {
	m := &types.Metric{Namespace: aws.String(s.Namespace), MetricName: aws.String(s.Metric)}
	for _, d := range s.Dimensions {
		m.Dimensions = append(m.Dimensions, types.Dimension{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	return m
}

func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// rename gives the parts of an expression names that are unique in a request.
// Texts in quotes (SEARCH, labels) stay as they are.
func rename(expr string, names map[string]string) string {
	word := regexp.MustCompile(`'[^']*'|"[^"]*"|[A-Za-z_][A-Za-z0-9_]*`)
	return word.ReplaceAllStringFunc(expr, func(w string) string {
		if strings.HasPrefix(w, "'") || strings.HasPrefix(w, `"`) {
			return w
		}
		if name, ok := names[w]; ok {
			return name
		}
		return w
	})
}

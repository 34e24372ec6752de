package cloudwatch

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go/middleware"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

const (
	// recently is how far back datapoints are looked at one by one.
	recently = 3 * time.Hour
	// listedFor is how long ListMetrics shows a metric without new data.
	listedFor = 14 * 24 * time.Hour
	// perRequest is how many metrics are asked about in one request, so that the
	// answer has one page: 181 minutes and an average each.
	perRequest = 240
)

// boundForm finds the bounds inside a statistic: TC(:300), PR(0.1:0.5).
var boundForm = regexp.MustCompile(`^(?:TC|TS|PR)\(([0-9.]*):([0-9.]*)\)$`)

// bounds are the values a statistic holds samples against. A threshold's bound
// says something of the metric's unit only where the statistic has that unit.
func bounds(st stat, q *question, threshold float64) []float64 {
	var out []float64
	if m := boundForm.FindStringSubmatch(st.Stat); m != nil {
		for _, text := range m[1:] {
			if v, err := strconv.ParseFloat(text, 64); err == nil && v > 0 {
				out = append(out, v)
			}
		}
		return out
	}
	if q.Stat != nil && threshold > 0 && st.Stat != "Sum" && st.Stat != "SampleCount" {
		return []float64{threshold}
	}
	return nil
}

// data reads the last three hours of all metrics, and the last two weeks by the
// hour of those that are silent. The error is that of a right or the service.
func (x *examiner) data(ctx context.Context, api *examined, all []*subject) error {
	if len(all) == 0 {
		return nil
	}
	end := x.s.opt.Now().UTC().Truncate(time.Minute).Add(time.Minute)
	for chunk := range slices.Chunk(all, perRequest) {
		if err := x.read(ctx, api, chunk, window{end.Add(-recently), end, 60}); err != nil {
			return err
		}
	}
	silent := slices.DeleteFunc(slices.Clone(all), func(m *subject) bool { return len(m.recent) > 0 })
	hour := end.Truncate(time.Hour)
	for chunk := range slices.Chunk(silent, perRequest) {
		if err := x.read(ctx, api, chunk, window{hour.Add(-listedFor), hour.Add(time.Hour), 3600}); err != nil {
			return err
		}
	}
	return nil
}

// window is a stretch to be read, in steps of some seconds.
type window struct {
	from, to time.Time
	period   int32
}

// read fills in what a stretch says of metrics.
func (x *examiner) read(ctx context.Context, api *examined, all []*subject, w window) error {
	in := &cw.GetMetricDataInput{StartTime: &w.from, EndTime: &w.to, MaxDatapoints: aws.Int32(maxDatapoints)}
	for i, m := range all {
		bare := m.stat
		m.stat.Stat, bare.Stat, bare.Unit = "SampleCount", "Average", ""
		in.MetricDataQueries = append(in.MetricDataQueries,
			m.stat.query(fmt.Sprintf("n%d", i), &w.period, true), bare.query(fmt.Sprintf("a%d", i), w.wide(), true))
	}
	for {
		if err := x.s.limits.requests.spend(ctx, 1); err != nil {
			return err
		}
		var out *cw.GetMetricDataOutput
		err := x.ask(ctx, "GetMetricData", api.place, func(ctx context.Context) (middleware.Metadata, error) {
			var err error
			if out, err = api.GetMetricData(ctx, in); err != nil {
				return middleware.Metadata{}, err
			}
			return out.ResultMetadata, nil
		})
		if err != nil {
			return err
		}
		x.s.count(0, len(all), 0)
		for i := range out.MetricDataResults {
			fill(all, &out.MetricDataResults[i])
		}
		if aws.ToString(out.NextToken) == "" {
			return nil
		}
		in.NextToken = out.NextToken
	}
}

// wide is a period that takes in the stretch, no longer than a day.
func (w window) wide() *int32 {
	const day = 24 * 3600
	whole := int32(min(w.to.Sub(w.from), 24*time.Hour) / time.Second) //nolint:gosec // a day at most
	return aws.Int32(max(w.period, min(whole/w.period*w.period, day)))
}

func fill(all []*subject, r *types.MetricDataResult) {
	id := aws.ToString(r.Id)
	i, err := strconv.Atoi(id[min(1, len(id)):])
	if err != nil || i < 0 || i >= len(all) {
		return
	}
	m := all[i]
	m.partial = m.partial || r.StatusCode != types.StatusCodeComplete && r.StatusCode != types.StatusCodePartialData
	if id[0] == 'a' {
		m.other = m.other || len(r.Values) > 0
		if len(r.Values) > 0 {
			m.average = r.Values[0]
		}
		return
	}
	for _, at := range r.Timestamps {
		m.recent = append(m.recent, at)
		if at.After(m.latest) {
			m.latest = at
		}
	}
}

// expressions asks what cannot be looked up metric by metric, as a reading
// would. Those of which nothing is there have been spoken of.
func (x *examiner) expressions(ctx context.Context, p place, there map[string]bool) {
	now := slo.MinuteOf(x.s.opt.Now())
	var queries []metric.Query
	roles := map[string]string{}
	for _, q := range x.e.Queries {
		roles[q.Key] = q.Role
		if parsed := x.questions[q.Key]; parsed != nil && parsed.Stat == nil && parsed.Places[0] == p && parsed.any(there) {
			queries = append(queries, q)
		}
	}
	if len(queries) == 0 {
		return
	}
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	series, err := x.s.Fetch(limited, metric.Request{Queries: queries, Span: slo.Span{From: now - 2*slo.Hour, To: now}})
	if err != nil {
		x.say(about{"expression", p.name()}, metric.Unknown, "no answer within "+patience.String(), "")
		return
	}
	slices.SortFunc(series, func(a, b metric.Series) int {
		return slices.IndexFunc(queries, func(q metric.Query) bool { return q.Key == a.Key }) -
			slices.IndexFunc(queries, func(q metric.Query) bool { return q.Key == b.Key })
	})
	for i := range series {
		switch sr := &series[i]; {
		case sr.Err != nil:
			x.fault("expression", sr.Key, sr.Err)
		case len(sr.Points) == 0 && roles[sr.Key] == "bad":
			x.say(about{"expression", sr.Key}, metric.OK, "quiet; it has no value in the last two hours", "")
		case len(sr.Points) == 0:
			x.say(about{"expression", sr.Key}, metric.Warn, "it has no value in the last two hours", "look at the metrics it is made of; FILL(m, 0) gives a value where one of them is silent")
		default:
			x.say(about{"expression", sr.Key}, metric.OK, fmt.Sprintf("%d values in the last two hours", len(sr.Points)), "")
		}
	}
}

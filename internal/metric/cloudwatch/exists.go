package cloudwatch

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	cw "github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
)

// known asks whether any metric of a question exists at all. A statement of
// Metrics Insights cannot be looked up: without datapoints it is unknown.
func (s *Source) known(ctx context.Context, q *question, at place) bool {
	if q.Stat != nil {
		return s.listed(ctx, *q.Stat, at)
	}
	for _, st := range q.Stats {
		if s.listed(ctx, st, at) {
			return true
		}
	}
	return false
}

// listed asks ListMetrics for a metric with exactly these dimensions. It lists
// what had data in the last two weeks. A metric found is remembered; one not
// found is asked for again, because it may come.
func (s *Source) listed(ctx context.Context, st stat, at place) bool {
	key := fmt.Sprintf("%v\x00%s", at, st.metricKey())
	s.mu.Lock()
	found := s.exists[key]
	s.mu.Unlock()
	if found {
		return true
	}
	api, err := s.client(ctx, at)
	if err != nil {
		return false
	}
	in := &cw.ListMetricsInput{Namespace: aws.String(st.Namespace), MetricName: aws.String(st.Metric)}
	for _, d := range st.Dimensions {
		in.Dimensions = append(in.Dimensions, types.DimensionFilter{Name: aws.String(d.Name), Value: aws.String(d.Value)})
	}
	if st.Account != "" {
		in.IncludeLinkedAccounts, in.OwningAccount = aws.Bool(true), aws.String(st.Account)
	}
	attempt := eachAttempt(func(ctx context.Context) error {
		if err := s.limits.lists.spend(ctx, 1); err != nil {
			return err
		}
		s.count(1, 0, 0)
		return nil
	})
	for {
		out, err := api.ListMetrics(ctx, in, attempt)
		if err != nil {
			s.opt.Log.LogAttrs(ctx, slogWarn, "the metric could not be looked up", attrErr(err))
			return false
		}
		for _, m := range out.Metrics {
			if len(m.Dimensions) == len(st.Dimensions) {
				s.mu.Lock()
				s.exists[key] = true
				s.mu.Unlock()
				return true
			}
		}
		if aws.ToString(out.NextToken) == "" {
			return false
		}
		in.NextToken = out.NextToken
	}
}

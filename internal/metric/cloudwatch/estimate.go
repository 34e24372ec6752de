package cloudwatch

import (
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

var (
	_ metric.Planner = (*Source)(nil)
	_ metric.Paced   = (*Source)(nil)
)

// Plan implements metric.Planner. Looking up with ListMetrics whether a silent
// metric exists is not in it: most metrics answer.
func (s *Source) Plan(req metric.Request) metric.Usage {
	questions, _ := s.understand(req.Queries)
	var out metric.Usage
	for _, c := range plan(gather(questions), req.Span, slo.MinuteOf(s.opt.Now())) {
		out = out.Add(metric.Usage{Requests: 1, Metrics: int64(c.billed), Datapoints: int64(c.datapoints())})
	}
	return out
}

package judge

import (
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// shape judges the distribution of values by its median and 99th percentile. The
// median alone is blind to a tail, the 99th percentile slow on what shifts all.
type shape struct {
	edges         []float64
	median, tail  *eprocess.Quantile
	base, canary  []int64
	totalB, total int64
	// ratio is by which both quantiles of a canary that passes are surely lower;
	// passes is the evidence for each, the largest of any look.
	ratio  float64
	passes [2]float64
}

func newShape(m *Metric, slack Margin) *shape {
	n := len(m.Edges) + 1
	ratio := slack.Ratio
	if ratio == 0 {
		ratio = shapeSlack
	}
	return &shape{
		ratio: ratio, edges: m.Edges, median: eprocess.NewQuantile(.5, n), tail: eprocess.NewQuantile(.99, n),
		base: make([]int64, n), canary: make([]int64, n),
	}
}

func (s *shape) add(m *Sample) {
	if m.Baseline.Buckets == nil || m.Canary.Buckets == nil {
		return
	}
	s.median.Add(m.Baseline.Buckets, m.Canary.Buckets)
	s.tail.Add(m.Baseline.Buckets, m.Canary.Buckets)
	for i, n := range m.Baseline.Buckets {
		s.base[i] += n
		s.totalB += n
	}
	for i, n := range m.Canary.Buckets {
		s.canary[i] += n
		s.total += n
	}
}

// log is the evidence of the quantiles, averaged with that of the counts.
func (s *shape) log(counts process) float64 {
	if counts == nil {
		return eprocess.Mean(s.median.Log(), s.tail.Log())
	}
	return eprocess.Mean(counts.Log(), s.median.Log(), s.tail.Log())
}

func (s *shape) tallies() (baseline, canary Tally) {
	return Tally{Total: s.totalB}, Tally{Total: s.total}
}

// pass is the evidence that both quantiles are below the baseline's times the slack,
// for a metric that has no counts. Edges of zero and below know no ratio.
func (s *shape) pass() float64 {
	if s.edges[0] <= 0 {
		return 0
	}
	s.passes[0] = max(s.passes[0], s.median.Below(s.edges, s.ratio))
	s.passes[1] = max(s.passes[1], s.tail.Below(s.edges, s.ratio))
	return min(s.passes[0], s.passes[1])
}

// effect of a metric that has no counts is the ratio of the 99th percentiles, as
// far as the buckets tell.
func (s *shape) effect(out *outcome, alone bool) {
	b, okb := eprocess.At(s.base, s.edges, .99)
	c, okc := eprocess.At(s.canary, s.edges, .99)
	if alone && okb && okc && b > 0 {
		ratio := c / b
		out.Effect, out.EffectUnit = &ratio, "ratio"
	}
}

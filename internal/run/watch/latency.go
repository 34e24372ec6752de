package watch

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// statBelow is a statistic that counts what lies below a bound.
var statBelow = regexp.MustCompile(`^TC\(:([0-9.]+)\)$`)

// indicator finds an objective's indicator.
func indicator(c *config.Catalog, id string) *config.Indicator {
	for i := range c.Indicators {
		if c.Indicators[i].ID == id {
			return &c.Indicators[i]
		}
	}
	return nil
}

// latency says whether an objective is about durations, and from how many
// milliseconds on a request is slow; 0: not known.
func latency(c *config.Catalog, o *config.Objective) (is bool, bound float64) {
	if ind := indicator(c, o.Indicator); ind != nil {
		if r, ok := ind.Definition.(slo.Ratio); ok && r.Good != nil {
			stat, _ := r.Good.Spec["stat"].(string)
			if m := statBelow.FindStringSubmatch(stat); m != nil {
				if v, err := strconv.ParseFloat(m[1], 64); err == nil {
					return true, v * millis(r.Good.Spec)
				}
			}
		}
	}
	for _, text := range []string{o.Name, o.SLO} {
		if b, ok := boundIn(text); ok {
			return true, b
		}
	}
	return strings.Contains(o.SLO, "latency"), 0
}

// boundText is a bound as objectives are named: "99% < 300ms", "latency-300ms".
var boundText = regexp.MustCompile(`(?:<=?\s*|latency-)([0-9]+(?:[.-][0-9]+)?)\s*(ms|s)\b`)

func boundIn(text string) (float64, bool) {
	m := boundText.FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(m[1], "-", "."), 64)
	if err != nil || v <= 0 {
		return 0, false
	}
	if m[2] == "s" {
		v *= 1000
	}
	return v, true
}

// millis is what the metric of a spec has to be multiplied by to be milliseconds.
func millis(spec slo.Spec) float64 {
	if config.InSeconds(spec) {
		return 1000
	}
	return 1
}

// percentiles adds the 99th percentile of every latency metric where a limit is
// about it and the source has one: the same metric and dimensions, asked for with
// the statistic p99. Where none can be had, the share of slow requests has to do.
func (w *watcher) percentiles(ctx context.Context, req *watch.Request) {
	if !slices.ContainsFunc(w.policy.Limits, func(l watch.Limit) bool { return l.Kind == watch.LimitLatency }) {
		return
	}
	for i := range req.Metrics {
		m := &req.Metrics[i]
		if !m.Latency || w.opt.Offline {
			continue
		}
		if err := w.percentile(ctx, m); err != nil && ctx.Err() == nil {
			req.Notes = append(req.Notes, fmt.Sprintf("%s: the 99th percentile could not be read (%v)", m.Name, err))
		}
	}
}

func (w *watcher) percentile(ctx context.Context, m *watch.Metric) error {
	var q *slo.Query
	var ind *config.Indicator
	for i := range w.env.Catalog.Objectives {
		o := &w.env.Catalog.Objectives[i]
		if o.Service != w.opt.Service || o.SLO != m.Name {
			continue
		}
		if ind = indicator(w.env.Catalog, o.Indicator); ind != nil {
			if r, ok := ind.Definition.(slo.Ratio); ok && r.Good != nil {
				q = r.Good
			}
		}
	}
	if q == nil {
		return nil
	}
	if stat, _ := q.Spec["stat"].(string); !statBelow.MatchString(stat) {
		return nil // the source has no statistics of one metric
	}
	spec := maps.Clone(q.Spec)
	spec["stat"] = "p99"
	ds, err := run.SourceOf(w.env.Catalog, *ind)
	if err != nil {
		return err
	}
	source, err := w.env.Open(ctx, ds)
	if err != nil {
		return err
	}
	scale := millis(q.Spec)
	for _, c := range []*watch.Counts{&m.Before, &m.After} {
		span := slo.Span{From: c.From, To: c.From + slo.Minute(len(c.Total))}
		if span.Empty() {
			continue
		}
		series, err := source.Fetch(ctx, metric.Request{Span: span, Queries: []metric.Query{{Key: "p99", Spec: spec, Period: ind.Period, Role: "value"}}})
		if err != nil {
			return err
		}
		for _, s := range series {
			if s.Err != nil {
				return s.Err
			}
			c.Value = values(s.Points, span, scale)
		}
	}
	return nil
}

// values puts points in their minutes.
func values(points []metric.Point, span slo.Span, scale float64) []*float64 {
	out := make([]*float64, span.Len())
	for _, p := range points {
		for at := p.At; at < p.At+max(1, p.Width); at++ {
			if span.Contains(at) {
				out[at-span.From] = new(p.Value.Float() * scale)
			}
		}
	}
	return out
}

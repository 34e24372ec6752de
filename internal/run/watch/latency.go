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
	if spec, v := below(indicator(c, o.Indicator)); spec != nil {
		return true, v * millis(spec)
	}
	for _, text := range []string{o.Name, o.SLO} {
		if b, ok := boundIn(text); ok {
			return true, b
		}
	}
	return strings.Contains(o.SLO, "latency"), 0
}

// below is the query of an indicator that counts what lies below a bound of one
// metric, and the bound in the metric's unit; nil for any other indicator.
func below(ind *config.Indicator) (slo.Spec, float64) {
	if ind == nil {
		return nil, 0
	}
	r, ok := ind.Definition.(slo.Ratio)
	if !ok || r.Good == nil {
		return nil, 0
	}
	stat, _ := r.Good.Spec["stat"].(string)
	m := statBelow.FindStringSubmatch(stat)
	if m == nil {
		return nil, 0
	}
	v, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return nil, 0
	}
	return r.Good.Spec, v
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

// percentile reads the 99th percentile of one metric, minute by minute.
func (w *watcher) percentile(ctx context.Context, m *watch.Metric) error {
	ind, spec := w.timing(m.Name)
	if ind == nil {
		return nil // the source has no statistics of one metric
	}
	ds, err := run.SourceOf(w.env.Catalog, *ind)
	if err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	source, err := w.env.Open(ctx, ds)
	if err != nil {
		return err //nolint:wrapcheck // says all there is to say
	}
	q := metric.Query{Key: "p99", Spec: spec, Period: ind.Period, Role: "value"}
	if w.usual[m.Name] == nil { // the time before the deployment stays as it is
		v, err := readValues(ctx, source, q, &m.Before)
		if err != nil {
			return err
		}
		if w.usual == nil {
			w.usual = map[string][]*float64{}
		}
		w.usual[m.Name] = v
	}
	m.Before.Value = w.usual[m.Name]
	m.After.Value, err = readValues(ctx, source, q, &m.After)
	return err
}

// timing finds the indicator of a latency objective and the query of its 99th
// percentile; nil where its source counts, and has no other statistics.
func (w *watcher) timing(name string) (*config.Indicator, slo.Spec) {
	for i := range w.env.Catalog.Objectives {
		o := &w.env.Catalog.Objectives[i]
		if o.Service != w.opt.Service || o.SLO != name {
			continue
		}
		ind := indicator(w.env.Catalog, o.Indicator)
		spec, _ := below(ind)
		if spec == nil {
			return nil, nil
		}
		spec = maps.Clone(spec)
		spec["stat"] = "p99"
		return ind, spec
	}
	return nil, nil
}

// readValues reads a query over the minutes of counts, in milliseconds.
func readValues(ctx context.Context, source metric.Source, q metric.Query, c *watch.Counts) ([]*float64, error) {
	span := slo.Span{From: c.From, To: c.From + slo.Minute(len(c.Total))}
	if span.Empty() {
		return nil, nil
	}
	series, err := source.Fetch(ctx, metric.Request{Span: span, Queries: []metric.Query{q}})
	if err != nil {
		return nil, err //nolint:wrapcheck // says all there is to say
	}
	if len(series) == 0 {
		return nil, nil
	}
	return values(series[0].Points, span, millis(q.Spec)), series[0].Err
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

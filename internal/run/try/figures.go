package try

import (
	"context"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"gitlab.com/nines-sre/nines/internal/analyze"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/run"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/timeline"
)

// suggestBound looks at how slow the service was, hour by hour, and takes the
// tightest round bound that the hours kept. It is one metric and one value an
// hour; the objective itself is then counted exactly.
func (t *trial) suggestBound(ctx context.Context) error {
	p := t.parts[1]
	if p.refused != "" || p.boundFrom == Given || p.indicator == nil {
		return nil
	}
	preset, _ := config.PresetOf(t.opt.Ref.Kind)
	query := probe(*p.indicator, preset.Latency)
	now := slo.MinuteOf(t.env.Run.Now)
	span := slo.Span{From: (now - t.opt.Since) / slo.Hour * slo.Hour, To: now / slo.Hour * slo.Hour}
	got, err := t.env.Source.Fetch(ctx, metric.Request{Queries: []metric.Query{query}, Span: span})
	if err != nil {
		return err
	}
	if len(got) != 1 || got[0].Err != nil {
		return nil //nolint:nilerr // the measuring itself will say what is wrong
	}
	if bound, ok := boundOf(got[0].Points, preset.Latency, t.opt.Since); ok {
		p.bound, p.boundFrom = bound, Suggested
		return t.load()
	}
	return nil
}

// probe asks for the hours' 99th percentile, or for the hours' largest value
// where a value is what is judged.
func probe(ind config.Indicator, m config.Measure) metric.Query {
	queries := run.Queries(ind)
	q := queries[len(queries)-1]
	q.Spec = maps.Clone(q.Spec)
	q.Period = slo.Hour
	q.Spec["period"] = "1h"
	if m.Value == nil {
		q.Spec["stat"] = "p99"
	}
	return q
}

// boundOf is the tightest round bound that 95 % of the hours kept, as the short
// form writes it. Nobody promises less than five milliseconds
// (lint takes it for a slip of the unit), and a queue's age is looked at once a
// minute.
func boundOf(points []metric.Point, m config.Measure, window slo.Minute) (string, bool) {
	const share = 950_000
	values := analyze.Values(points, slo.LessOrEqual, analyze.Options{Window: window})
	b, ok := values.Bounds[share]
	if !ok {
		return "", false
	}
	least := 5 * slo.Unit
	if m.Unit == "s" {
		least /= 1000
	}
	if m.Value != nil {
		least = 60 * slo.Unit
	}
	v := max(b.Value, least).Float()
	if m.Unit == "s" && v < 1 {
		return strconv.FormatFloat(v*1000, 'f', -1, 64) + "ms", true
	}
	return strconv.FormatFloat(v, 'f', -1, 64) + m.Unit, true
}

// outcome works out how the objectives fared over what was measured of the
// newest since minutes.
func (t *trial) outcome(ctx context.Context, since slo.Minute) (*Outcome, error) {
	now := slo.MinuteOf(t.env.Run.Now) - t.env.Source.Caps().Lag
	out := &Outcome{Ref: t.opt.Ref, Span: slo.Span{From: now - since, To: now}, Notes: t.report.Notes, Listed: t.env.Directory.Requests()}
	for _, p := range t.parts {
		o, err := t.judge(ctx, p, out.Span)
		if err != nil {
			return nil, err
		}
		out.Objectives = append(out.Objectives, o)
	}
	if m, ok := t.env.Source.(metric.Metered); ok {
		out.Usage = m.Usage()
	}
	return out, nil
}

// write makes the document of an outcome: what was measured, and what was asked
// for in so many words.
func (t *trial) write(out *Outcome) {
	out.Doc = t.doc()
	out.Doc.Objectives = nil
	for i := range out.Objectives {
		if o := &out.Objectives[i]; o.State == Measured || o.State == NoTraffic || o.TargetFrom == Given {
			out.Doc.Objectives = append(out.Doc.Objectives, o.Text)
		}
	}
	out.Doc.Head = out.head(t.zone())
}

// judge holds one objective against what was measured.
func (t *trial) judge(ctx context.Context, p *part, span slo.Span) (Objective, error) {
	o := Objective{Name: p.name, TargetFrom: p.shareFrom, BoundFrom: p.boundFrom, State: NoData}
	if p.refused != "" {
		o.State, o.Why, o.TargetFrom, o.BoundFrom = Refused, p.refused, "", ""
		return o, nil
	}
	steps, err := t.steps(ctx, p, span)
	if err != nil {
		return o, err
	}
	o.Why = t.report.Failed[p.indicator.ID]
	o.Report = analyze.Counts(steps, analyze.Options{Zone: t.zone(), Window: window(steps, span.Len()), Targets: targets(p)})
	share := p.share
	if best := suggest(&o.Report); p.shareFrom != Given && best > 0 {
		share, o.TargetFrom = best.Percent(), Suggested
	}
	shown := *p
	shown.share = share
	o.Text = shown.text()
	if o.Target, err = slo.ParseDecimal(share); err != nil {
		return o, err
	}
	// What makes the numbers doubtful depends on the target they are for.
	o.Report.Warnings = analyze.Counts(steps, analyze.Options{Zone: t.zone(), Window: window(steps, span.Len()), Targets: targetsOf(share)}).Warnings
	if text := late(steps, span); text != "" {
		o.Report.Warnings = append(o.Report.Warnings, text)
	}
	whole := o.Report.Whole.Stretch
	if whole.Measured > 0 {
		o.State, o.Coverage = NoTraffic, float64(whole.Measured)/float64(span.Len())
	}
	if whole.Total > 0 {
		o.State, o.Remaining = Measured, remaining(o.Target, whole.Count)
	}
	return o, nil
}

// late says that the service is younger than what was asked for: a silence from
// before it was there counts as no traffic, and makes the data look longer.
func late(steps []analyze.Step, span slo.Span) string {
	i := slices.IndexFunc(steps, func(s analyze.Step) bool { return s.Count.Total > 0 })
	if i < 0 || steps[i].At-span.From < slo.Day {
		return ""
	}
	return "the first event is at " + steps[i].At.Time().Format("2006-01-02 15:04 MST") + "; what lies before says nothing of the service"
}

// window is the length a target is tried on: what was asked for, or all there
// is where only the ends are missing.
func window(steps []analyze.Step, asked slo.Minute) slo.Minute {
	if len(steps) == 0 {
		return asked
	}
	data := steps[len(steps)-1].At + 1 - steps[0].At
	if data > asked-slo.Day/2 {
		return min(data, asked)
	}
	return asked
}

// What a suggestion must leave: a target that allows a handful of bad events,
// or that the service has only just kept, would be missed at the first mishap.
const (
	leastAllowed   = 10
	leastRemaining = 0.1
	highest        = 999_900
)

// suggest is the highest round target that was kept as a whole and in every
// week with something to spare; 0 where there is none.
func suggest(r *analyze.Report) (best analyze.Target) {
	count := r.Whole.Stretch.Count
	for _, t := range r.Trials {
		left := t.Target.Remaining(count)
		allowed := count.Total.Float() * float64(1_000_000-t.Target) / 1_000_000
		if t.Target <= highest && t.WeeksMet == t.Weeks && allowed >= leastAllowed && left != nil && *left >= leastRemaining {
			best = max(best, t.Target)
		}
	}
	return best
}

// targets are the round ones, with the one asked for among them.
func targets(p *part) []analyze.Target {
	all := analyze.RoundTargets()
	if p.shareFrom == Given {
		all = append(all, targetsOf(p.share)...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// targetsOf is the one target of a percentage, in parts per million.
func targetsOf(percent string) []analyze.Target {
	f, err := strconv.ParseFloat(percent, 64)
	if err != nil {
		return nil
	}
	return []analyze.Target{analyze.Target(math.Round(f * 10_000))}
}

// remaining is what a count leaves of the budget of a target in percent.
func remaining(percent slo.Decimal, c slo.Count) *float64 {
	f, _ := percent.Rat().Float64()
	allowed := c.Total.Float() * (1 - f/100)
	if allowed <= 0 {
		return nil
	}
	return new(1 - c.Bad().Float()/allowed)
}

// steps are the measured minutes of an indicator.
func (t *trial) steps(ctx context.Context, p *part, span slo.Span) ([]analyze.Step, error) {
	id := timeline.ID(p.indicator.ID)
	views, err := t.env.Run.History.Open(ctx, []timeline.Request{{ID: id, Points: []slo.Span{span}, Frontier: span.To, Step: 1}})
	if err != nil {
		return nil, err
	}
	var steps []analyze.Step
	for at, c := range views[id].Points(span) {
		steps = append(steps, analyze.Step{At: at, Width: 1, Count: c})
	}
	return steps, nil
}

func (t *trial) zone() *time.Location {
	if t.env.Run.Zone == nil {
		return time.UTC
	}
	return t.env.Run.Zone
}

package config

import (
	"cmp"
	"path/filepath"
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/act"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/rollout"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
	"gitlab.com/nines-sre/nines/internal/watch"
)

// resolveRollouts lists the rollouts. A service has one for an environment.
func (l *loader) resolveRollouts() {
	first := map[[2]string]fault.Place{}
	for _, d := range l.rollouts {
		out := l.rollout(d)
		if !l.serviceRef(openslo.Ref{Name: out.Service, Place: d.spec.Get("service").Where()}) {
			continue
		}
		key := [2]string{out.Service, out.Environment}
		if at, taken := first[key]; taken {
			l.report.Errorf(out.Place, "two-rollouts", "the first is at "+at.String(), "service %q has two rollouts for %s", out.Service, cmp.Or(out.Environment, "every environment"))
			continue
		}
		first[key] = out.Place
		l.judgeable(&out, d.spec)
		l.cat.Rollouts = append(l.cat.Rollouts, out)
	}
}

func (l *loader) rollout(d *rolloutDoc) Rollout {
	spec := d.spec
	out := Rollout{
		Name: d.meta.Name, Service: spec.Get("service").Str(), Environment: spec.Get("environment").Str(), Place: d.meta.Place,
		Target: targetOf(spec.Get("target")), Plan: l.plan(spec), Judge: judgeOf(spec.Get("judge")), Watch: watchOf(spec.Get("watch")),
		Split: Split{
			Dimension: spec.At("split", "dimension").Str(), Drop: spec.At("split", "drop").Strings(), Add: texts(spec.At("split", "add")),
		},
		Drive: Drive{Rate: number(spec.At("drive", "rate"))},
	}
	if file := spec.At("drive", "requests").Str(); file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(dir(d.meta.Place), file)
		}
		out.Drive.Requests = file
	}
	names := map[string]fault.Place{}
	for _, n := range spec.Get("metrics").List() {
		m := l.rolloutMetric(n, out.Service)
		if at, taken := names[m.Name]; taken {
			l.report.Errorf(n.Where(), "duplicate-name", "the first is at "+at.String(), "there are two metrics called %q", m.Name)
			continue
		}
		names[m.Name] = n.Where()
		out.Metrics = append(out.Metrics, m)
	}
	return out
}

// judgeable checks the policies by what the judge itself takes.
func (l *loader) judgeable(r *Rollout, spec *openslo.Node) {
	if err := r.Judge.Check(); err != nil {
		l.report.Errorf(spec.Get("judge").Where(), "judge", fault.HintOf(err), "%v", err)
	}
	for i, n := range spec.Get("metrics").List() {
		if i >= len(r.Metrics) {
			break // one of them was refused
		}
		p := r.Judge
		p.Method, p.Limit = cmp.Or(r.Metrics[i].Metric.Method, p.Method), cmp.Or(r.Metrics[i].Metric.Limit, p.Limit)
		if m := r.Metrics[i].Metric.Margin; m != nil {
			p.Margin = *m
		}
		if err := p.Check(); err != nil && r.Judge.Check() == nil {
			l.report.Errorf(n.Where(), "judge", fault.HintOf(err), "%v", err)
		}
	}
}

// targetOf is the one kind that stands there.
func targetOf(n *openslo.Node) act.Place {
	for kind, v := range n.Entries() {
		return act.Place{Kind: kind, Params: texts(v)}
	}
	return act.Place{}
}

// plan reads the steps. They go upwards: a step back is no step.
func (l *loader) plan(spec *openslo.Node) rollout.Plan {
	out := rollout.Plan{
		Then:   rollout.Then(spec.Get("then").Str()),
		Extend: length(spec.Get("extend")), Early: spec.Get("early").True(), Wait: length(spec.Get("stall")),
	}
	if u := spec.Get("unsure").Str(); u != climb {
		out.Unsure = rollout.Unsure(u)
	}
	for _, n := range spec.Get("steps").List() {
		s := rollout.Step{Weight: share(n.Get("weight")), Bake: length(n.Get("bake")), Pause: n.Get("pause").True()}
		if k := len(out.Steps); k > 0 && s.Weight <= out.Steps[k-1].Weight {
			l.report.Errorf(n.KeyPlace("weight"), "steps", "let each step have more than the one before", "the step gets no more traffic than the one before it")
		}
		if s.Weight >= 1 {
			l.report.Errorf(n.KeyPlace("weight"), "steps", "leave the step out: then: promote gives the canary everything", "a step leaves the version before some of the traffic, or there is nothing to compare with")
		}
		out.Steps = append(out.Steps, s)
	}
	if out.Unsure == rollout.UnsureExtend && out.Extend == 0 {
		l.report.Errorf(spec.KeyPlace("unsure"), "missing-field", "write extend: 30m", "unsure: extend needs the field %q", "extend")
	}
	if out.Unsure != rollout.UnsureExtend && out.Extend > 0 {
		l.report.Errorf(spec.KeyPlace("extend"), "unused-field", "write unsure: extend, or leave it out", "extend belongs to unsure: extend")
	}
	return out
}

func judgeOf(n *openslo.Node) judge.Policy {
	out := judge.Policy{
		Method: judge.Method(n.Get("method").Str()), Alpha: number(n.Get("alpha")), Beta: number(n.Get("beta")),
		Margin: judge.Margin{Add: share(n.Get("margin")), Ratio: number(n.Get("ratio"))}, Slack: judge.Margin{Add: share(n.Get("slack"))},
		Prior: share(n.Get("prior")), Pass: number(n.Get("pass")), Marginal: number(n.Get("marginal")), Least: int64(number(n.Get("least"))),
	}
	if n.Get("threshold").IsSet() {
		out.Limit = &judge.Limit{Good: share(n.Get("threshold"))}
	}
	for group, v := range n.Get("weights").Entries() {
		if out.Weights == nil {
			out.Weights = map[string]float64{}
		}
		out.Weights[group] = number(v)
	}
	if k := n.Get("kayenta"); k.IsSet() {
		out.Kayenta = &judge.Kayenta{
			Compatible: k.Get("compatible").True(), Confidence: number(k.Get("confidence")), Tolerance: number(k.Get("tolerance")),
			Effect: k.Get("effect").Str(), AllowedIncrease: number(k.Get("allowedIncrease")), AllowedDecrease: number(k.Get("allowedDecrease")),
			CriticalIncrease: number(k.Get("criticalIncrease")), CriticalDecrease: number(k.Get("criticalDecrease")),
			NaN: k.Get("nanStrategy").Str(), Outliers: k.Get("outliers").Str(), OutlierFactor: number(k.Get("outlierFactor")),
			MustHaveData: k.Get("mustHaveData").True(),
		}
	}
	return out
}

// rolloutMetric reads a metric: an objective's, or queries of its own.
func (l *loader) rolloutMetric(n *openslo.Node, service string) RolloutMetric {
	out := RolloutMetric{Name: n.Get("name").Str(), Objective: n.Get("objective").Str(), Weight: number(n.Get("weight")), Place: n.Where()}
	m := judge.Metric{
		Name: out.Name, Group: n.Get("group").Str(), Unit: n.Get("unit").Str(), Method: judge.Method(n.Get("method").Str()),
		Critical: n.Get("critical").True(), Muted: n.Get("muted").True(),
	}
	if w := n.Get("worse").Str(); w != "increase" {
		m.Worse = judge.Direction(w)
	}
	if n.Get("margin").IsSet() || n.Get("ratio").IsSet() {
		m.Margin = &judge.Margin{Add: share(n.Get("margin")), Ratio: number(n.Get("ratio"))}
	}
	if n.Get("threshold").IsSet() || n.Get("limit").IsSet() {
		m.Limit = &judge.Limit{Good: share(n.Get("threshold")), Below: m.Worse == judge.Decrease}
		if v := n.Get("limit"); v.IsSet() {
			f := number(v)
			m.Limit.Value = &f
		}
	}
	out.Metric = m
	if out.Objective != "" {
		l.scopeRef(openslo.Ref{Name: service + "/" + out.Objective, Place: n.Get("objective").Where()}, false)
		for _, role := range []string{"good", "bad"} {
			if n.Get(role).IsSet() {
				l.report.Errorf(n.KeyPlace(role), "unused-field", "leave it out, or objective", "%s has no effect beside objective", role)
			}
		}
		return out
	}
	l.rolloutQueries(n, &out)
	return out
}

// rolloutQueries reads the queries of a metric, which one source answers.
func (l *loader) rolloutQueries(n *openslo.Node, out *RolloutMetric) {
	out.Queries = map[string]slo.Query{}
	for _, role := range []string{"good", "bad", "total", "value"} {
		m := openslo.DecodeMetric(n.Get(role), l.report)
		if m == nil {
			continue
		}
		q := l.query(m, role)
		if q == nil {
			continue
		}
		if out.Source != "" && out.Source != q.Source {
			l.report.Errorf(n.KeyPlace(role), "two-sources", "let one source answer for all of them", "the metric is measured at %s and at %s", out.Source, q.Source)
		}
		out.Source, out.Queries[role] = q.Source, *q
	}
	if n.Get("total").IsSet() && !n.Get("good").IsSet() && !n.Get("bad").IsSet() {
		l.report.Errorf(n.Where(), "missing-field", "write good: or bad:", "total needs good or bad beside it")
	}
	if n.Get("value").IsSet() && (n.Get("good").IsSet() || n.Get("bad").IsSet()) {
		l.report.Errorf(n.KeyPlace("value"), "unused-field", "a metric is counts, or value", "good and bad have no effect beside value")
	}
}

func watchOf(n *openslo.Node) watch.Policy {
	out := watch.Policy{
		Duration: length(n.Get("duration")), Breaches: int(number(n.Get("breaches"))), Alpha: number(n.Get("alpha")), Margin: share(n.Get("margin")),
		Weeks: int(number(n.Get("weeks"))), Alarms: n.Get("alarms").Strings(), Burn: n.Get("burn").True(),
	}
	for _, text := range n.Get("limits").Strings() {
		if limit, err := watch.ParseLimit(text); err == nil { // the shape has said so otherwise
			out.Limits = append(out.Limits, limit)
		}
	}
	if n.Get("rollback").Str() == string(watch.UndoAuto) {
		out.Undo = watch.UndoAuto
	}
	return out
}

// meaning is the rollout without places.
func (r Rollout) meaning() Rollout {
	r.Place = fault.Place{}
	r.Metrics = slices.Clone(r.Metrics)
	for i := range r.Metrics {
		r.Metrics[i].Place = fault.Place{}
	}
	return r
}

// number, share and length read what a shape has let through; 0 where there is
// nothing.
func number(n *openslo.Node) float64 {
	f, _ := strconv.ParseFloat(n.Str(), 64)
	return f
}

func share(n *openslo.Node) float64 {
	f, _ := parseShare(n.Str())
	return f
}

func length(n *openslo.Node) slo.Minute {
	m, _ := slo.ParseLength(n.Str())
	return m
}

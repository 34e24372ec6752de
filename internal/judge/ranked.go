package judge

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// ranked is one metric while it is judged by tests that hold at looks chosen
// beforehand. Each look has its part of alpha, and its p-value becomes evidence:
// so it holds at every look, and adds up with other metrics like any evidence.
type ranked struct {
	p          *Policy
	out        outcome
	harm, pass float64 // e-values so far
}

// milestone is a look after so many minutes, and its part of alpha.
type milestone struct {
	after int
	part  float64
}

// milestones are the looks into so many minutes. The parts come to 1 if there are
// ever so many.
func milestones(minutes int) []milestone {
	var out []milestone
	for _, n := range []int{5, 10, 15, 20, 30, 45, 60} {
		out = append(out, milestone{n, 1.0 / 8})
	}
	part := 1.0 / 16
	for n := 90; n <= minutes; n += n / 2 {
		out = append(out, milestone{n, part})
		part /= 2
	}
	return slices.DeleteFunc(out, func(l milestone) bool { return l.after > minutes })
}

// evidenceOf turns a p-value at a look into an e-value: a sum of steps, each as
// high as it is seldom, the first enough for one metric alone and the last for
// hundreds. Over all looks its mean is at most 1.
func evidenceOf(p, part, alpha float64) (e float64) {
	for i, share := range []float64{.4, .25, .15, .1, .1} {
		height := math.Pow(4, float64(i)) / alpha
		if p <= part*share/height {
			e += height
		}
	}
	return e
}

// look adds a look's p-values.
func (r *ranked) look(at slo.Minute, l milestone, harm, pass float64) {
	r.harm += evidenceOf(harm, l.part, r.p.Alpha)
	r.pass += evidenceOf(pass, l.part, r.p.Beta)
	r.out.byE = true
	if r.harm > 0 {
		r.out.LogE = max(r.out.LogE, math.Log(r.harm))
		r.out.track.add(at, math.Log(r.harm), math.Log(1/r.p.Alpha))
	}
	if r.pass > 0 {
		r.out.LogEPass = max(r.out.LogEPass, math.Log(r.pass))
	}
}

// settled gives the class: it passes if the looks and all minutes together say so.
func (r *ranked) settled(c mannwhitney.Class) outcome {
	r.out.Class = ClassOpen
	if c == mannwhitney.Pass && r.pass >= 1/r.p.Beta*(1-1e-9) {
		r.out.Verdict, r.out.Class = decision.Pass, ClassPass
	}
	return r.out
}

// byValues judges values per minute by their ranks.
func byValues(m *Metric, p *Policy, k *Kayenta) outcome {
	samples := slices.DeleteFunc(slices.Clone(m.Samples), func(s Sample) bool {
		return s.Baseline.Value == nil && s.Canary.Value == nil && k.NaN != "replace"
	})
	canary, baseline := perMinute(samples)
	o := k.options(m)
	o.Margin, o.Slack = p.ofRanks(m, true)
	o.Confidence = max(o.Confidence, 1-p.Alpha)
	r := ranked{p: p}
	for _, l := range milestones(len(samples)) {
		p, pass := mannwhitney.Test(canary[:l.after], baseline[:l.after], o)
		r.look(samples[l.after-1].At, l, p, pass)
	}
	got := mannwhitney.Classify(canary, baseline, o)
	switch got.Class {
	case mannwhitney.Nodata, mannwhitney.NodataFail:
		return empty(got.Class, "The values are missing on one side or both.")
	case mannwhitney.Pass, mannwhitney.High, mannwhitney.Low, mannwhitney.Open, mannwhitney.Error:
	}
	r.out.byE = true
	r.out.mild = !urgent(m, k, got.Effect)
	r.out.Baseline.Rate, r.out.Canary.Rate = average(baseline), average(canary)
	r.out.Effect, r.out.Low, r.out.High = known(got.Shift), known(got.Low), known(got.High)
	r.out.EffectUnit, r.out.why = m.Unit, got.Reason
	if wide := (got.High - got.Low) / 2; finite(wide) {
		z := math.Sqrt2 * math.Erfinv(o.Confidence)
		shown := wide * (z + math.Sqrt2*math.Erfinv(2*power-1)) / z
		r.out.Detectable = &shown
	}
	return r.settled(got.Class)
}

// byRankedCounts judges counts by the share of the bad requests that is the canary's.
func byRankedCounts(m *Metric, p *Policy, k *Kayenta) outcome {
	minutes := make([]mannwhitney.Minute, len(m.Samples))
	var sum tally
	for i := range m.Samples {
		s := &m.Samples[i]
		sum.add(s)
		minutes[i] = mannwhitney.Minute{Canary: s.Canary.Total, CanaryBad: s.Canary.Bad, Baseline: s.Baseline.Total, BaselineBad: s.Baseline.Bad}
	}
	o := k.options(m)
	o.Margin, o.Slack = p.ofRanks(m, false)
	o.Confidence = max(o.Confidence, 1-p.Alpha)
	r := ranked{p: p}
	for _, l := range milestones(len(minutes)) {
		got := mannwhitney.Counts(minutes[:l.after], o)
		r.look(m.Samples[l.after-1].At, l, got.P, got.PassP)
	}
	got := mannwhitney.Counts(minutes, o)
	r.out.Baseline, r.out.Canary = sum.tallies()
	if got.Class == mannwhitney.Nodata || got.Class == mannwhitney.NodataFail {
		out := empty(got.Class, sum.nobody())
		out.Baseline, out.Canary = r.out.Baseline, r.out.Canary
		return out
	}
	r.out.byE = true
	r.out.Effect, r.out.Low, r.out.High, r.out.EffectUnit = known(got.Difference), known(got.Low), known(got.High), unitRate
	r.out.Detectable = known(got.Detectable)
	if d, ok := sum.dispersion(); ok {
		r.out.Dispersion = &d
	}
	r.out.Missing = max(got.Missing, p.Least-sum.nc, 0)
	if min(sum.nc, sum.nb) < p.Least {
		return r.settled(mannwhitney.Open)
	}
	out := r.settled(got.Class)
	if out.Verdict == decision.Pass {
		out.Missing = 0
	}
	return out
}

// empty is a metric without data: a failure where it must have some.
func empty(c mannwhitney.Class, text string) outcome {
	out := nodata(text)
	if c == mannwhitney.NodataFail {
		out.Class, out.Verdict = ClassNodataFail, decision.Fail
		out.Text += " It must have data."
	}
	return out
}

// urgent says whether an effect is large enough for a critical metric to decide alone.
func urgent(m *Metric, k *Kayenta, effect float64) bool {
	up, down := k.CriticalIncrease, k.CriticalDecrease
	return math.IsNaN(effect) || m.Worse != Decrease && (up == 0 || effect >= up) || m.Worse != Increase && (down == 0 || effect <= down)
}

// known is a number for a finding; nil where it is none.
func known(v float64) *float64 {
	if !finite(v) {
		return nil
	}
	return &v
}

// average of what is there.
func average(values []float64) *float64 {
	sum, n := 0.0, 0.0
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
			n++
		}
	}
	return known(sum / n)
}

// because adds what the ranks say to the sentence.
func (o *outcome) because() {
	if o.why != "" {
		o.Text += " Why: " + o.why + "."
	}
}

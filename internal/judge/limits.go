package judge

import (
	"fmt"
	"math"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge/confseq"
	"gitlab.com/nines-sre/nines/internal/judge/threshold"
)

// byLimit judges the canary alone, against limits. All that are given have to be
// kept.
func byLimit(m *Metric, p *Policy) outcome {
	l := p.limit(m)
	if l == nil {
		return outcome{Finding: Finding{Class: ClassError, Text: "It cannot be judged: the method threshold needs a limit (--threshold 99)."}}
	}
	var sum tally
	for i := range m.Samples {
		sum.add(&m.Samples[i])
	}
	var parts []outcome
	if l.Good > 0 {
		parts = append(parts, byShare(m, p, l))
	}
	if l.Count != nil {
		parts = append(parts, byCount(m, *l.Count, sum.nc))
	}
	if l.Value != nil {
		parts = append(parts, byValue(m, l))
	}
	out := parts[0]
	for _, o := range parts[1:] {
		out = out.with(o)
	}
	if m.Samples != nil && sum.nc+sum.nb > 0 {
		out.Baseline, out.Canary = sum.tallies()
	}
	if out.Verdict == decision.Pass && sum.nc < p.Least {
		out.Verdict, out.Class = decision.Inconclusive, ClassOpen
		out.Missing = p.Least - sum.nc
		out.Text += fmt.Sprintf(" It has to have %s before it passes; %s missing.", plural(p.Least, "request", "requests"), are(out.Missing))
	}
	return out
}

// with joins what two limits say: the worse of both decides, both are told.
func (o outcome) with(other outcome) outcome {
	text := o.Text + " " + other.Text
	if other.Verdict.WorseThan(o.Verdict) {
		o, other = other, o
	}
	o.Text, o.Missing = text, max(o.Missing, other.Missing)
	o.LogE, o.LogEPass = max(o.LogE, other.LogE), max(o.LogEPass, other.LogEPass)
	o.byE, o.track = o.byE || other.byE, append(o.track, other.track...)
	if o.Effect == nil {
		o.Effect, o.Low, o.High, o.EffectUnit = other.Effect, other.Low, other.High, other.EffectUnit
	}
	return o
}

// byShare asks whether the share of good requests is above the limit, sound at
// every look. A share that cannot be told from the limit is not known.
func byShare(m *Metric, p *Policy, l *Limit) outcome {
	share := threshold.NewShare(l.Good, p.Beta)
	out := outcome{byE: true}
	floor := math.Log(1 / p.Alpha)
	var n, x int64
	for i := range m.Samples {
		c := &m.Samples[i].Canary
		if c.Total == 0 {
			continue
		}
		n, x = n+c.Total, x+c.Bad
		share.Add(c.Total, c.Bad)
		out.track.add(m.Samples[i].At, share.Bad(), floor)
	}
	if n == 0 {
		return nodata(fmt.Sprintf("The canary had no request that was measured; %s without an error support %s.",
			count64(threshold.Floor(l.Good, p.Beta)), percent(l.Good)))
	}
	out.LogE, out.LogEPass = max(share.Bad(), 0), max(share.Good(), 0)
	effect := float64(x)/float64(n) - (1 - l.Good)
	iv := confseq.Rate(float64(x), float64(n), p.Alpha, best)
	low, high := iv.Low-(1-l.Good), iv.High-(1-l.Good)
	out.Effect, out.Low, out.High, out.EffectUnit = &effect, &low, &high, unitRate
	out.Class, out.Missing = ClassOpen, share.Missing()
	good := percent(1 - float64(x)/float64(n))
	have := fmt.Sprintf("The canary answered %s of %s well", good, plural(n, "request", "requests"))
	switch {
	case share.Bad() >= floor: // what fails it is settled with the others
		out.Text = fmt.Sprintf("%s; that is below the limit of %s, %s.", have, percent(l.Good), chance(share.Bad()))
	case out.Missing == 0:
		out.Verdict, out.Class = decision.Pass, ClassPass
		out.Text = fmt.Sprintf("%s; that supports %s with %s confidence.", have, percent(l.Good), percent(1-p.Beta))
	default:
		out.Text = fmt.Sprintf("%s; to support %s with %s confidence %s without an error %s missing.",
			have, percent(l.Good), percent(1-p.Beta), plural(out.Missing, "more request", "more requests"), verb(out.Missing))
	}
	return out
}

// byCount asks for at most a number of bad requests. Without a request nothing is
// known; one too many is one too many.
func byCount(m *Metric, limit, requests int64) outcome {
	var x int64
	out := outcome{}
	for i := range m.Samples {
		x += m.Samples[i].Canary.Bad
		if x > limit && out.Decided == 0 {
			out.Decided = m.Samples[i].At
		}
	}
	if requests == 0 {
		return nodata("The canary had no request that was measured.")
	}
	have := fmt.Sprintf("The canary had %s in %s", plural(x, "bad request", "bad requests"), plural(requests, "request", "requests"))
	if x > limit {
		out.Verdict, out.Class, out.Text = decision.Fail, ClassHigh, fmt.Sprintf("%s; at most %s may be.", have, count64(limit))
		return out
	}
	out.Verdict, out.Class, out.Text = decision.Pass, ClassPass, fmt.Sprintf("%s; %s may be.", have, count64(limit))
	return out
}

// byValue asks that no minute's value is beyond a limit.
func byValue(m *Metric, l *Limit) outcome {
	var seen int
	var worst float64
	out := outcome{}
	beyond := func(v float64) bool { return v > *l.Value && !l.Below || v < *l.Value && l.Below }
	for i := range m.Samples {
		v := m.Samples[i].Canary.Value
		if v == nil {
			continue
		}
		if seen == 0 || *v > worst != l.Below && *v != worst {
			worst = *v
		}
		seen++
		if beyond(*v) && out.Decided == 0 {
			out.Decided = m.Samples[i].At
		}
	}
	if seen == 0 {
		return nodata("The canary had no value that was measured.")
	}
	effect := worst - *l.Value
	if finite(effect) {
		out.Effect, out.EffectUnit = &effect, m.Unit
	}
	which, class := "highest", ClassHigh
	if l.Below {
		which, class = "lowest", ClassLow
	}
	have := fmt.Sprintf("The canary's %s value of %s was %s", which, plural(int64(seen), "minute", "minutes"), amount(worst, m.Unit))
	if beyond(worst) {
		out.Verdict, out.Class, out.Text = decision.Fail, class, fmt.Sprintf("%s; the limit is %s.", have, amount(*l.Value, m.Unit))
		return out
	}
	out.Verdict, out.Class, out.Text = decision.Pass, ClassPass, fmt.Sprintf("%s, within the limit of %s.", have, amount(*l.Value, m.Unit))
	return out
}

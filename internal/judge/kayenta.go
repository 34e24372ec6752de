package judge

import (
	"fmt"
	"math"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

// byKayenta answers as Kayenta's judge does: one look at all there is.
func byKayenta(m *Metric, k *Kayenta) outcome {
	canary, baseline := perMinute(m.Samples)
	got := mannwhitney.Classify(canary, baseline, k.options(m))
	out := outcome{Finding: Finding{Class: Class(got.Class), Verdict: kayentaVerdict(got.Class), EffectUnit: m.Unit}}
	out.mild = !got.Critical && got.Class != mannwhitney.Pass
	var sum tally
	for i := range m.Samples {
		sum.add(&m.Samples[i])
	}
	if out.Baseline, out.Canary = sum.tallies(); sum.nb+sum.nc == 0 {
		out.Baseline.Rate, out.Canary.Rate = average(baseline), average(canary)
	}
	switch {
	case got.Reason != "":
		out.Text = fmt.Sprintf("Kayenta's judge says %s: %s.", got.Class, got.Reason)
		return out
	case math.IsNaN(got.Effect):
		out.Text = fmt.Sprintf("Kayenta's judge says %s", got.Class)
	default:
		out.Text = fmt.Sprintf("Kayenta's judge says %s, with an effect of %s", got.Class, number(got.Effect))
	}
	out.Effect, out.Low, out.High = known(got.Shift), known(got.Low), known(got.High)
	if out.Effect != nil && out.Low != nil && out.High != nil {
		out.Text += fmt.Sprintf("; the values are moved by %s (%s to %s)", amount(got.Shift, m.Unit), number(got.Low), number(got.High))
	}
	out.Text += "."
	return out
}

// kayentaVerdict is what a class alone says.
func kayentaVerdict(c mannwhitney.Class) decision.Verdict {
	switch c {
	case mannwhitney.Pass:
		return decision.Pass
	case mannwhitney.High, mannwhitney.Low, mannwhitney.NodataFail:
		return decision.Fail
	case mannwhitney.Nodata, mannwhitney.Error, mannwhitney.Open:
	}
	return decision.Inconclusive
}

// compatible says whether the metrics add up as Kayenta's do.
func (p *Policy) compatible() bool {
	return p.Method == MannWhitney && p.Kayenta != nil && p.Kayenta.Compatible
}

// kayentaScore is the verdict and score of all metrics as Kayenta adds them up.
func kayentaScore(outs []outcome, p *Policy) (decision.Verdict, *float64) {
	metrics := make([]mannwhitney.Scored, len(outs))
	judged := false
	for i := range outs {
		o := &outs[i]
		judged = judged || !o.Muted
		metrics[i] = mannwhitney.Scored{
			Group: groupOf(&o.Finding), Class: mannwhitney.Class(o.Class), Critical: o.Critical, Muted: o.Muted,
		}
	}
	if !judged {
		return decision.Inconclusive, nil
	}
	score := mannwhitney.Score(metrics, p.Weights).Score
	switch {
	case score >= p.Pass:
		return decision.Pass, &score
	case score >= p.Marginal:
		return decision.Warn, &score
	}
	return decision.Fail, &score
}

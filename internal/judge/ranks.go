package judge

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

// byRanks judges by the ranks of values per minute, or by counts where it has
// them; or as Kayenta does, by ranks whatever there is and all faults included.
func byRanks(m *Metric, p *Policy) outcome {
	k := p.kayenta()
	if k.Compatible {
		return byKayenta(m, &k)
	}
	if slices.ContainsFunc(m.Samples, func(s Sample) bool { return s.Baseline.Total > 0 || s.Canary.Total > 0 }) {
		return byRankedCounts(m, p, &k)
	}
	return byValues(m, p, &k)
}

// kayenta returns the policy's settings of that name; all at their defaults if
// there are none.
func (p *Policy) kayenta() Kayenta {
	if p.Kayenta == nil {
		return Kayenta{}
	}
	return *p.Kayenta
}

// check says what is wrong with the settings, nil for nothing.
func (k *Kayenta) check() error {
	switch {
	case !(k.Confidence >= 0 && k.Confidence < 1):
		return invalid("kayenta's confidence %v: it is between 0 and 1, 0.98 if left out", k.Confidence)
	case !(k.Tolerance >= 0 && k.Tolerance <= 1):
		return invalid("kayenta's tolerance %v: it is from 0 to 1, 0.25 if left out", k.Tolerance)
	case !slices.Contains([]string{"", "meanRatio", "cles"}, k.Effect):
		return invalid("kayenta's effect %q: it is meanRatio or cles", k.Effect)
	case !slices.Contains([]string{"", "remove", "replace"}, k.NaN):
		return invalid("kayenta's nan %q: it is remove or replace", k.NaN)
	case !slices.Contains([]string{"", "keep", "remove"}, k.Outliers):
		return invalid("kayenta's outliers %q: it is keep or remove", k.Outliers)
	}
	for _, v := range []float64{k.AllowedIncrease, k.AllowedDecrease, k.CriticalIncrease, k.CriticalDecrease, k.OutlierFactor} {
		if !(v >= 0 && finite(v)) {
			return invalid("kayenta's %v: effects and factors are numbers that are not negative", v)
		}
	}
	return nil
}

// options are the settings as the ranks take them.
func (k *Kayenta) options(m *Metric) mannwhitney.Options {
	direction := mannwhitney.Increase
	switch m.Worse {
	case Decrease:
		direction = mannwhitney.Decrease
	case Either:
		direction = mannwhitney.Either
	case Increase:
	}
	return mannwhitney.Options{
		Compatible: k.Compatible, Confidence: k.Confidence, Tolerance: k.Tolerance, Direction: direction,
		Replace: k.NaN == "replace", Trim: k.Outliers == "remove", Fence: k.OutlierFactor,
		MustHaveData: k.MustHaveData, Critical: m.Critical, CLES: k.Effect == "cles",
		Allowed: mannwhitney.Bounds{Up: k.AllowedIncrease, Down: k.AllowedDecrease},
		Urgent:  mannwhitney.Bounds{Up: k.CriticalIncrease, Down: k.CriticalDecrease},
	}
}

// ofRanks are the margins of a metric as the ranks take them. A policy's difference
// of rates is none of values: those take it from the metric alone.
func (p *Policy) ofRanks(m *Metric, values bool) (margin, slack mannwhitney.Margin) {
	a, b := p.margin(m), p.slack(m, Margin{})
	if values && m.Margin == nil {
		a.Add = 0
	}
	if values && (m.Margin == nil || !p.Slack.zero()) {
		b.Add = 0
	}
	return mannwhitney.Margin{Add: a.Add, Ratio: a.Ratio}, mannwhitney.Margin{Add: b.Add, Ratio: b.Ratio}
}

// perMinute are the values of minutes, or their rates where requests are counted;
// NaN for a minute that has neither.
func perMinute(samples []Sample) (canary, baseline []float64) {
	of := func(a *Arm) float64 {
		switch {
		case a.Value != nil:
			return *a.Value
		case a.Total > 0:
			return float64(a.Bad) / float64(a.Total)
		}
		return math.NaN()
	}
	for i := range samples {
		canary, baseline = append(canary, of(&samples[i].Canary)), append(baseline, of(&samples[i].Baseline))
	}
	return canary, baseline
}

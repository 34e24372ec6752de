package judge

import (
	"maps"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
)

// scored is how the metrics of a group stand.
type scored struct{ all, passed, failed, weight float64 }

// scores are what the groups come to, 0 to 100.
type scores struct {
	// low takes what is not known for failed, high for passed; so does known for
	// neither, and is nil where nothing is known.
	low, high float64
	known     *float64
}

// score adds groups up by their weights. A metric that is not judged, because it
// had no data or an error, is never a good one; and the weight of a group of which
// nothing is there goes to the others.
func score(outs []outcome, weights map[string]float64) scores {
	groups := map[string]*scored{}
	var order []string
	for i := range outs {
		o := &outs[i]
		if o.Muted {
			continue
		}
		name := groupOf(&o.Finding)
		g := groups[name]
		if g == nil {
			g = &scored{}
			groups[name] = g
			order = append(order, name)
		}
		g.all++
		switch o.Verdict {
		case decision.Pass, decision.Warn:
			g.passed++
		case decision.Fail:
			g.failed++
		case decision.Inconclusive:
		}
	}
	weigh(groups, weights)
	slices.Sort(order) // sums of fractions depend on their order
	var s scores
	var all, known, sum float64
	for _, name := range order {
		g := groups[name]
		all += g.weight
		s.low += g.weight * g.passed / g.all
		s.high += g.weight * (g.all - g.failed) / g.all
		if judged := g.passed + g.failed; judged > 0 {
			known += g.weight
			sum += g.weight * g.passed / judged
		}
	}
	if all > 0 {
		s.low, s.high = round(100*s.low/all), round(100*s.high/all)
	}
	if known > 0 {
		v := round(100 * sum / known)
		s.known = &v
	}
	return s
}

// groupOf names a metric's group; one without is its own.
func groupOf(f *Finding) string {
	if f.Group != "" {
		return f.Group
	}
	return f.Metric
}

// weigh gives groups their weights: those that are stated, and of the rest of 100
// each other group an equal share. Groups that are stated to weigh nothing weigh
// the same where there are no others.
func weigh(groups map[string]*scored, weights map[string]float64) {
	rest, without := 100.0, 0.0
	for _, name := range slices.Sorted(maps.Keys(weights)) {
		rest -= weights[name]
	}
	for name := range groups {
		if _, ok := weights[name]; !ok {
			without++
		}
	}
	sum := 0.0
	for name, g := range groups {
		w, ok := weights[name]
		if !ok {
			w = max(rest, 0) / without
		}
		g.weight = w
		sum += w
	}
	if sum <= 0 {
		for _, g := range groups {
			g.weight = 1
		}
	}
}

// round is to a hundredth, so that sums of thirds do not decide.
func round(x float64) float64 { return float64(int64(x*100+.5)) / 100 }

// verdict is that of all metrics together. It is sure at every look: what is not
// known yet counts as failed where it would pass, and as passed where it would
// fail.
func verdict(outs []outcome, p *Policy) (decision.Verdict, *float64) {
	s := score(outs, p.Weights)
	judged, waits := false, false
	for i := range outs {
		o := &outs[i]
		if o.Muted {
			continue
		}
		judged = true
		if o.Critical && o.Verdict == decision.Fail {
			return decision.Fail, s.known
		}
		waits = waits || o.Critical && o.Verdict == decision.Inconclusive
	}
	switch {
	case !judged:
		return decision.Inconclusive, nil
	case s.high < p.Marginal:
		return decision.Fail, s.known
	case waits:
	case s.low >= p.Pass:
		return decision.Pass, s.known
	case s.low >= p.Marginal: // whatever is still open, it is not failed any more
		return decision.Warn, s.known
	}
	return decision.Inconclusive, s.known
}

package cloudwatch

import "gitlab.com/nines-sre/nines/internal/slo"

// tier is how long CloudWatch keeps datapoints of a period. (User guide,
// "Metrics retention".)
type tier struct {
	period slo.Minute
	keep   slo.Minute
}

func tiers() []tier {
	return []tier{
		{1, 15 * slo.Day},
		{5, 63 * slo.Day},
		{60, 455 * slo.Day},
	}
}

// insightsReach is how far back a Metrics Insights statement sees.
const insightsReach = 3 * slo.Hour

// cut is a part of a span and the period to ask it at.
type cut struct {
	span   slo.Span
	period slo.Minute
}

// cuts divides a span by age: every part is asked at the finest period that is
// still kept for all of it, never finer than the source's own. Each part holds
// the whole steps that begin in it, so neighbouring spans answer side by side.
// Boundaries between parts lie on whole hours at least, because the service is
// fastest there and the periods divide them. What is older than everything kept
// is left out. Newest first.
func cuts(span slo.Span, own, now slo.Minute) []cut {
	var out []cut
	end := span.To
	for _, t := range tiers() {
		period := roundUp(max(own, t.period), t.period)
		grid := max(slo.Hour, period)
		// One step of the grid is left as a margin for the request's way.
		oldest := roundUp(now-t.keep, grid) + grid
		from := max(span.From, oldest)
		if from >= end {
			continue
		}
		part := slo.Span{From: roundUp(from, period), To: roundUp(end, period)}
		switch n := len(out); {
		case part.Empty():
		case n > 0 && out[n-1].period == period && out[n-1].span.From == part.To:
			out[n-1].span.From = part.From // one request in place of two: the bill counts metrics
		default:
			out = append(out, cut{span: part, period: period})
		}
		end = from
	}
	return out
}

func roundUp(m, to slo.Minute) slo.Minute { return -roundDown(-m, to) }

func roundDown(m, to slo.Minute) slo.Minute {
	r := m % to
	if r < 0 {
		r += to
	}
	return m - r
}

package measure

import (
	"math"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// cell is the smallest stretch about which all series of an indicator speak: a
// step, or several that overlap because one series is coarser than another.
type cell struct {
	span slo.Span
	sum  [2]slo.Amount
	has  [2]bool // the series has a point here; otherwise it is silent
	neg  bool    // one of the values is negative
}

// cells cuts what every series has answered into cells, ascending. Minutes that
// a step shares with unanswered ones are left out: they are not known.
func cells(series []metric.Series) []cell {
	if len(series) == 0 {
		return nil
	}
	common := metric.Merge(series[0].Answered)
	n := len(series[0].Points)
	for _, s := range series[1:] {
		common = metric.Common(common, s.Answered)
		n = max(n, len(s.Points))
	}
	out := make([]cell, 0, n)
	var next [2]int
	for _, known := range common {
		for at := known.From; at < known.To; {
			c, whole := grow(series, &next, at)
			if at = c.span.To; whole && at <= known.To {
				out = append(out, c)
			}
		}
	}
	return out
}

// grow makes the cell that begins at a minute; whole is false when a step in it
// began before.
func grow(series []metric.Series, next *[2]int, at slo.Minute) (c cell, whole bool) {
	c = cell{span: slo.Span{From: at, To: at + 1}}
	whole = true
	for again := true; again; {
		again = false
		for i := range series {
			for points := series[i].Points; next[i] < len(points) && points[next[i]].At < c.span.To; next[i]++ {
				p := points[next[i]]
				if p.At+p.Width <= at {
					continue // before anything all series know
				}
				whole = whole && p.At >= at
				c.neg = c.neg || p.Value < 0
				c.sum[i] = add(c.sum[i], p.Value)
				c.has[i] = true
				if p.At+p.Width > c.span.To {
					c.span.To, again = p.At+p.Width, true
				}
			}
		}
	}
	return c, whole
}

// add is a sum that stays at the largest amount, which no count may have.
func add(a, b slo.Amount) slo.Amount {
	if b > 0 && a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// reach is how far apart two readings of a counter may be to be subtracted.
const reach = slo.Hour

// Increases turns readings of a counter into what was added since the reading
// before: a point covers from the end of the earlier step to the end of its
// own. A reading below the one before is a counter that began again at zero.
// What follows no reading within an hour is not known, and neither is a
// silence that no reading ends.
func Increases(s metric.Series) metric.Series {
	out := s
	out.Points, out.Answered = nil, nil
	for i := 1; i < len(s.Points); i++ {
		before, now := s.Points[i-1], s.Points[i]
		span := slo.Span{From: before.At + before.Width, To: now.At + now.Width}
		if now.At-span.From > reach || !metric.Covers(metric.Merge(s.Answered), span) {
			continue
		}
		added := now.Value - before.Value
		if now.Value < before.Value {
			added = now.Value
		}
		out.Points = append(out.Points, metric.Point{At: span.From, Width: span.Len(), Value: added})
		out.Answered = append(out.Answered, span)
	}
	out.Answered = metric.Merge(out.Answered)
	return out
}

package slo

import (
	"cmp"
	"slices"
)

// lossGap is how far apart two bad stretches may lie and still be one.
const lossGap Minute = 5

// Losses returns the stretches of the window that cost most, worst first, at
// most n. A stretch is made of steps that burn faster than the budget allows
// (a burn rate above 1), with gaps of up to five minutes between them; its Bad
// and Total cover it from end to end. The spans are days whose points are
// needed to be sure: load them and ask again, until none are named.
func Losses(in Input, n int) ([]Loss, []Span) {
	var m model
	if n <= 0 || !m.load(in) || !m.known() {
		return nil, nil
	}
	var out []Loss
	for i := range m.tracks {
		out = append(out, m.stretches(i)...)
	}
	slices.SortStableFunc(out, func(a, b Loss) int {
		return cmp.Or(cmp.Compare(b.Share, a.Share), cmp.Compare(a.Span.From, b.Span.From))
	})
	out = out[:min(n, len(out))]
	m.doubt(out, n)
	return out, m.asked()
}

// stretches finds a track's losses in the days whose points are loaded.
func (m *model) stretches(i int) []Loss {
	t := &m.tracks[i]
	if t.sum.Total <= 0 || !t.base.positive() {
		return nil
	}
	var out []Loss
	var now Loss
	quiet := Count{} // what happened since the last bad step
	end := func() {
		if now.Bad > 0 {
			out = append(out, m.loss(t, now))
		}
		now, quiet = Loss{}, Count{}
	}
	for _, p := range m.days() {
		if p.tracks[i].bad == 0 || !t.view.Loaded(p.ask) {
			continue
		}
		for at, c := range t.view.Points(p.span) {
			if now.Bad > 0 && at-now.Span.To > lossGap {
				end()
			}
			if !m.burns(t, c) {
				quiet = quiet.Add(c)
				continue
			}
			if now.Bad == 0 {
				now.Span.From, quiet = at, Count{}
			}
			now.Span.To = at + m.step
			now.Bad += c.Bad() + quiet.Bad()
			now.Total += c.Total + quiet.Total
			quiet = Count{}
		}
	}
	end()
	return out
}

// burns says whether a step spends more than the budget allows it.
func (*model) burns(t *track, c Count) bool {
	return c.Bad() > 0 && !impossible(c) && below(int64(c.Good), int64(c.Total), t.budget.Complement())
}

// loss gives a stretch its share of the window's budget, and its units.
func (m *model) loss(t *track, l Loss) Loss {
	l.Share = sum([]term{{bad: l.Bad, base: t.base, budget: t.budget, weight: t.weight}})
	shown := m.shown(Stretch{Count: Count{Good: l.Total - l.Bad, Total: l.Total}})
	l.Bad, l.Total, l.Member = shown.Bad(), shown.Total, t.name
	return l
}

// doubt asks for the days that could hold a worse stretch than those found, or
// more of one: at first the n worst, then all the others. As a stretch may go on
// over midnight, days with losses that follow each other are taken as one, and
// a day that adjoins a loss found adds to it.
func (m *model) doubt(found []Loss, n int) {
	var least float64
	if len(found) == n {
		least = found[n-1].Share
	}
	var days, following []dayLoss
	var together float64
	known := false
	end := func() {
		if together > least {
			days = append(days, following...)
		}
		following, together = nil, 0
	}
	for _, p := range m.days() {
		d := dayLoss{p.ask, m.lost(p)}
		switch {
		case d.share == 0:
			end()
		case m.loaded(p.ask):
			known = true
			together += d.share
		default:
			following = append(following, d)
			together += d.share
		}
	}
	end()
	slices.SortStableFunc(days, func(a, b dayLoss) int { return cmp.Compare(b.share, a.share) })
	if !known {
		days = days[:min(len(days), n)]
	}
	for _, d := range days {
		m.want(d.ask)
	}
}

// dayLoss is the share of the budget that a day cost.
type dayLoss struct {
	ask   Span
	share float64
}

// lost is the share of the window's budget that was lost in a part of it.
func (m *model) lost(p part) float64 {
	var ts []term
	for i := range m.tracks {
		t := &m.tracks[i]
		if bad := p.tracks[i].bad; bad > 0 && t.base.positive() {
			ts = append(ts, term{bad: bad, base: t.base, budget: t.budget, weight: t.weight})
		}
	}
	return sum(ts)
}

// Trend returns the budget remaining as the window went on: 1 - bad so far over
// the whole window's allowed, at the end of each whole UTC day of the window
// and at its end, oldest first. It is nil when no budget can be computed.
func Trend(in Input) []float64 {
	var m model
	if !m.load(in) || !m.known() {
		return nil
	}
	parts := m.days()
	out := make([]float64, 0, int(m.window.Len()/Day)+2)
	gone := make([]Amount, len(m.tracks))
	at := func() {
		ts := m.spent(make([]term, 0, len(m.tracks)))
		k := 0
		for i := range m.tracks {
			if t := &m.tracks[i]; t.sum.Total > 0 && t.base.positive() {
				ts[k].bad = gone[i]
				k++
			}
		}
		out = append(out, rest(ts))
	}
	for _, p := range parts {
		// Days before the birth count as whole ones without loss.
		for d := floor(p.span.From+Day-1, Day) + Day; d < p.span.To; d += Day {
			at()
		}
		for i := range gone {
			gone[i] += p.tracks[i].bad
		}
		wholeDay := m.window.From <= floor(p.span.To-1, Day) && p.span.To%Day == 0
		if wholeDay && p.span.To < m.window.To {
			at()
		}
	}
	at()
	return out
}

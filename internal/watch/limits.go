package watch

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// reading is what a minute says about a limit.
type reading uint8

const (
	dark   reading = iota // not measured, or not to be told from what is measured
	within                // not beyond it
	beyond
)

// slowest is the share of requests that the 99th percentile leaves above it.
const slowest = 0.01

// reads holds a minute of a metric against a limit.
func (m *Metric) reads(l Limit, c *Counts, i int) reading {
	total, bad, ok := c.arm(i)
	switch l.Kind {
	case LimitLatency:
		if v := c.value(i); v != nil {
			return beyondIf(*v > l.Value)
		}
		if !ok || m.Bound <= 0 {
			return dark
		}
		if total == 0 {
			return within
		}
		return m.bySlow(l, float64(bad) > slowest*float64(total))
	case LimitErrors:
		if !ok {
			return dark
		}
		return beyondIf(float64(bad) > l.Value)
	}
	if !ok {
		return dark
	}
	return beyondIf(float64(bad) > l.Value*float64(total))
}

// bySlow tells the percentile from the share of requests slower than the
// objective's bound: with more than 1 % of them it lies above the bound, else not
// above. Between the bound and the limit nothing is known.
func (m *Metric) bySlow(l Limit, slow bool) reading {
	switch {
	case slow && m.Bound >= l.Value:
		return beyond
	case !slow && m.Bound <= l.Value:
		return within
	}
	return dark
}

func beyondIf(yes bool) reading {
	if yes {
		return beyond
	}
	return within
}

// about says whether a limit is about a metric: latencies are of latency
// objectives, errors of the others, as far as there are others.
func (l *looker) about(lim Limit, m *Metric) bool {
	if lim.Kind == LimitLatency {
		return m.Latency
	}
	others := false
	for i := range l.req.Metrics {
		others = others || !l.req.Metrics[i].Latency
	}
	return !m.Latency || !others
}

// limits holds the minutes against the plain limits.
func (l *looker) limits() {
	for _, lim := range l.p.Limits {
		seen, asked := false, false
		for i := range l.req.Metrics {
			m := &l.req.Metrics[i]
			if !l.about(lim, m) {
				continue
			}
			asked = true
			seen = l.limit(lim, m) || seen
		}
		if !asked || l.n > 0 && !seen {
			l.open = append(l.open, decision.Reason{Code: "unmeasured", Text: l.unseenText(lim, asked)})
		}
	}
}

// limit holds one metric against one limit; seen says that some minute told.
func (l *looker) limit(lim Limit, m *Metric) (seen bool) {
	row := 0
	for i := range l.n {
		switch m.reads(lim, &m.After, i) {
		case dark: // tells nothing: the row neither grows nor ends
			continue
		case within:
			row = 0
		case beyond:
			row++
		}
		seen = true
		if row < l.p.Breaches {
			continue
		}
		from := l.start + slo.Minute(i-row+1)
		if l.wasBeyond(lim, m) {
			l.warn = append(l.warn, decision.Reason{Code: "limit_before", Text: fmt.Sprintf("%s: %s since %s, and so it was before the deployment", m.Name, lim, clock(from))})
			return seen
		}
		if l.out.Sure == 0 || l.start+slo.Minute(i) < l.out.Sure {
			l.out.Sure, l.out.Metric, l.out.Since = l.start+slo.Minute(i), m.Name, from
		}
		l.hurts = append(l.hurts, decision.Reason{Code: "limit", Text: fmt.Sprintf("%s: %s in %d minutes in a row since %s (limit %s)", m.Name, lim, row, clock(from), lim.Text)})
		return seen
	}
	return seen
}

// wasBeyond says whether the last minutes before the deployment that tell were
// beyond the limit too.
func (l *looker) wasBeyond(lim Limit, m *Metric) bool {
	row := 0
	for i := len(m.Before.Total) - 1; i >= 0 && row < l.p.Breaches; i-- {
		switch m.reads(lim, &m.Before, i) {
		case dark:
			continue
		case within:
			return false
		case beyond:
			row++
		}
	}
	return row >= l.p.Breaches
}

// alarms looks at alarms elsewhere and at the service's own alerts. What was red
// before the deployment is not its doing.
func (l *looker) alarms() {
	for i := range l.req.Alarms {
		a := &l.req.Alarms[i]
		old := a.Earlier || !a.Since.IsZero() && a.Since.Before(l.req.Deployed)
		switch {
		case !a.Known:
			l.open = append(l.open, decision.Reason{Code: "alarm_unknown", Text: "the state of the alarm " + a.Name + " is not known"})
		case a.Red && old:
			l.warn = append(l.warn, decision.Reason{Code: "alarm_before", Text: "the alarm " + a.Name + " was red before the deployment; it does not count"})
		case a.Red:
			l.hurts = append(l.hurts, decision.Reason{Code: "alarm", Text: "the alarm " + a.Name + " has gone off" + sinceText(a.Since)})
		}
	}
	if !l.p.Burn {
		return
	}
	for _, b := range l.req.Burns {
		switch {
		case b.Now && b.Before:
			l.warn = append(l.warn, decision.Reason{Code: "burn_before", Text: b.Objective + " burned fast before the deployment already; it does not count"})
		case b.Now:
			l.hurts = append(l.hurts, decision.Reason{Code: "burn", Text: b.Objective + " has begun to burn fast"})
		}
	}
}

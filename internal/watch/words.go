package watch

import (
	"fmt"
	"math"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// clock writes a minute.
func clock(m slo.Minute) string { return m.Time().Format("15:04 UTC") }

func sinceText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", at " + t.UTC().Format("15:04 UTC")
}

// what names the deployment: "version 8 of payment-api".
func (l *looker) what() string {
	if l.req.Version == "" {
		return "the deployment of " + l.req.Subject
	}
	return "version " + l.req.Version + " of " + l.req.Subject
}

// rare writes evidence as how seldom chance brings as much.
func rare(log float64) string {
	n := math.Exp(min(log, math.Log(1e9)))
	switch {
	case n >= 0.999e9:
		return "chance brings that about in fewer than one watch of a billion"
	case n >= 1e6:
		return fmt.Sprintf("chance brings that about in one watch of %.0f million at most", n/1e6)
	case n >= 1e4:
		return fmt.Sprintf("chance brings that about in one watch of %.0f thousand at most", n/1e3)
	}
	return fmt.Sprintf("chance brings that about in one watch of %.0f at most", n)
}

// comparisons writes what a metric was held against.
func (l *looker) comparisons(f *Finding) string {
	var parts []string
	for i := range f.Against {
		a := &f.Against[i]
		switch a.Reference {
		case "before":
			name := "before"
			if l.req.Before != "" {
				name = "with " + l.req.Before + " before"
			}
			parts = append(parts, fmt.Sprintf("%s %s (%d of %d)", rateText(a.Tally), name, a.Tally.Bad, a.Tally.Total))
		default:
			parts = append(parts, fmt.Sprintf("%s in the same hours of earlier weeks (%d of %d)", rateText(a.Tally), a.Tally.Bad, a.Tally.Total))
		}
	}
	return strings.Join(parts, ", ")
}

func (l *looker) worseText(f *Finding, sure slo.Minute, log float64) string {
	// Counted from the minute on from which it shows, up to the one that was sure.
	var t Tally
	for i := range l.req.Metrics {
		if m := &l.req.Metrics[i]; m.Name == f.Metric {
			to := m.After.tally(int(sure) + 1)
			from := m.After.tally(int(f.Since - l.start))
			t = Tally{to.Minutes - from.Minutes, to.Total - from.Total, to.Bad - from.Bad}
		}
	}
	return fmt.Sprintf("%s hurts: %s has %s bad requests since %s (%d of %d), against %s; %s",
		l.what(), f.Metric, rateText(t), clock(f.Since), t.Bad, t.Total, l.comparisons(f), rare(max(log, Bar(&l.p))))
}

func (l *looker) seasonText(f *Finding) string {
	return fmt.Sprintf("%s has %s bad requests, more than before the deployment, and not surely more than in the same hours of earlier weeks (%s): it may be the hour and not the change",
		f.Metric, rateText(f.After), l.comparisons(f))
}

func (l *looker) earlierText(f *Finding) string {
	return fmt.Sprintf("%s has %s bad requests, more than in earlier weeks, and not surely more than just before the deployment (%s): it may have begun before it",
		f.Metric, rateText(f.After), l.comparisons(f))
}

func (l *looker) watchingText() string {
	var all Tally
	for i := range l.out.Findings {
		all = all.add(l.out.Findings[i].After)
	}
	return fmt.Sprintf("%s is watched: %d of %d minutes, nothing found in %d requests", l.what(), l.n, l.p.Duration, all.Total)
}

func (l *looker) staleText() string {
	return fmt.Sprintf("measurements end at %s, before the watch does at %s, and no newer ones have come for %d minutes", clock(max(l.req.Frontier, l.start)), clock(l.start+l.p.Duration), l.p.Wait)
}

func (l *looker) healthyText() string {
	var parts []string
	for i := range l.out.Findings {
		f := &l.out.Findings[i]
		text := fmt.Sprintf("%s has %s bad requests (%d of %d)", f.Metric, rateText(f.After), f.After.Bad, f.After.Total)
		if len(f.Against) > 0 {
			text += ", against " + l.comparisons(f)
		}
		parts = append(parts, text)
	}
	if len(parts) == 0 {
		return fmt.Sprintf("%s has done no harm in %d minutes", l.what(), l.n)
	}
	return fmt.Sprintf("%s has done no harm in %d minutes: %s", l.what(), l.n, strings.Join(parts, "; "))
}

func (l *looker) unseenText(lim Limit, asked bool) string {
	if !asked {
		return fmt.Sprintf("nothing can be held against the limit %s: %s has no objective of its kind", lim.Text, l.req.Subject)
	}
	return fmt.Sprintf("nothing could be held against the limit %s: no percentile was measured, and no objective has its bound", lim.Text)
}

// gaps finds what keeps the watch from a verdict.
func (l *looker) gaps(_ time.Time) {
	if len(l.req.Metrics) == 0 {
		l.open = append(l.open, decision.Reason{Code: "unmeasured", Text: l.req.Subject + " has no objective whose requests are counted"})
	}
	compared := false
	for i := range l.out.Findings {
		f := &l.out.Findings[i]
		compared = compared || len(f.Against) > 0
		if code, text := l.gap(f); code != "" {
			l.open = append(l.open, decision.Reason{Code: code, Text: text})
		}
	}
	if !compared && len(l.req.Metrics) > 0 && len(l.p.Limits) == 0 {
		l.open = append(l.open, decision.Reason{Code: "no_reference", Text: "there is nothing to compare with: neither the time before the deployment nor the same hours of an earlier week were measured, and no limit is set"})
	}
}

// gap is what keeps one metric from a verdict.
func (l *looker) gap(f *Finding) (code, text string) {
	const enough = 0.9 // of the minutes
	switch {
	case float64(f.After.Minutes) < enough*float64(l.n):
		return "unmeasured", fmt.Sprintf("%s: only %d of %d minutes after the deployment are measured", f.Metric, f.After.Minutes, l.n)
	case f.After.Total == 0 && len(f.Against) > 0:
		return "silent", fmt.Sprintf("%s: no request has come since the deployment, and there were %d", f.Metric, f.Against[0].Tally.Total)
	case f.After.Total == 0:
		return "no_traffic", f.Metric + ": no request has come since the deployment"
	}
	for i := range f.Against {
		a := &f.Against[i]
		d, asked := a.Detectable, max(l.p.Detect, 2*prior(a.Tally)+l.p.Margin)
		if d != nil && *d <= asked {
			continue
		}
		see := "not even an outage"
		if d != nil {
			see = percent(*d) + " bad requests"
		}
		return "little_traffic", fmt.Sprintf("%s: %d requests are too few to see less than %s (asked for: %s)", f.Metric, f.After.Total, see, percent(asked))
	}
	return "", ""
}

// doubts are what the reader should know of how much the answer is worth.
func (l *looker) doubts() []decision.Reason {
	var out []decision.Reason
	for i := range l.out.Findings {
		f := &l.out.Findings[i]
		if f.Disagree != "" {
			out = append(out, decision.Reason{Code: "disagree", Text: f.Disagree})
		}
		if len(f.Against) == 0 {
			out = append(out, decision.Reason{Code: "no_reference", Text: f.Metric + ": there is nothing to compare with, neither the time before the deployment nor an earlier week"})
		}
		if len(f.Against) == 1 && f.Against[0].Reference == "before" {
			out = append(out, decision.Reason{Code: "one_reference", Text: f.Metric + ": there is no earlier week to compare with, so a change that comes with the hour would look like one of the deployment"})
		}
		if len(f.Against) == 1 && f.Against[0].Reference == "weeks" {
			out = append(out, decision.Reason{Code: "one_reference", Text: f.Metric + ": nothing is measured just before the deployment, so what began there would look like its doing"})
		}
		for _, w := range f.Strange {
			out = append(out, decision.Reason{Code: "week_left_out", Text: fmt.Sprintf("%s: the week %s is left out, it was worse than the others", f.Metric, back(w))})
		}
	}
	out = append(out, l.leftOut()...)
	for _, n := range l.req.Notes {
		out = append(out, decision.Reason{Code: "note", Text: n})
	}
	return out
}

// leftOut says once for all metrics which weeks do not count and why.
func (l *looker) leftOut() []decision.Reason {
	var out []decision.Reason
	said := map[string]bool{}
	for i := range l.req.Metrics {
		for _, w := range l.req.Metrics[i].Weeks {
			text := fmt.Sprintf("the week %s is left out: %s", back(w.Back), w.Without)
			if w.Without != "" && !said[text] {
				said[text] = true
				out = append(out, decision.Reason{Code: "week_left_out", Text: text})
			}
		}
	}
	return out
}

func back(weeks int) string {
	if weeks == 1 {
		return "before"
	}
	return fmt.Sprintf("%d weeks back", weeks)
}

// Confidence is how much the answer is worth, in a word: high with two references
// that agree, low else.
func (r *Result) Confidence() string {
	for i := range r.Findings {
		if len(r.Findings[i].Against) < 2 || r.Findings[i].Disagree != "" {
			return "low"
		}
	}
	if len(r.Findings) == 0 {
		return "none"
	}
	return "high"
}

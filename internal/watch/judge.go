package watch

import (
	"cmp"
	"math"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Against is a metric beside one reference.
type Against struct {
	Reference string `json:"reference"` // "before" or "weeks"
	Tally     Tally  `json:"tally"`     // of the whole stretch
	// LogE is the most evidence of any look that the new version is worse by more
	// than the margin, as a natural logarithm; Sure, at which minute it reached the
	// bar; 0: never.
	LogE float64    `json:"log_e"`
	Sure slo.Minute `json:"sure,omitempty"`
	// Since is the minute from which the change shows best.
	Since slo.Minute `json:"since,omitempty"`
	// Dispersion is the variance of the reference's minutes beside that of
	// independent requests, 1 where nothing is known.
	Dispersion float64 `json:"dispersion"`
	// Detectable is the least share of bad requests that this many would have shown;
	// nil: nothing.
	Detectable *float64 `json:"detectable"`
}

// Finding is what was found about one metric.
type Finding struct {
	Metric  string    `json:"metric"`
	After   Tally     `json:"after"`
	Against []Against `json:"against"`
	// Strange are earlier weeks that were left out because they were worse than the
	// others; Disagree says how two references differ.
	Strange  []int  `json:"strange,omitempty"`
	Disagree string `json:"disagree,omitempty"`
	// LogE is the smaller evidence of the references: it is worse than any of them.
	LogE  float64    `json:"log_e"`
	Since slo.Minute `json:"since,omitempty"`
}

// Result is the answer to one look.
type Result struct {
	Verdict decision.Verdict `json:"verdict"`
	// Over says that the verdict is final: it is sure, or the time is over.
	Over bool `json:"over"`
	// Looked is how many minutes of the watch were usable.
	Looked slo.Minute `json:"looked"`
	// Sure is the minute at which it was sure that the deployment hurts; 0: it is not.
	Sure slo.Minute `json:"sure,omitempty"`
	// Metric is what it hurts, Since from when on; where it is one.
	Metric   string            `json:"metric,omitempty"`
	Since    slo.Minute        `json:"since,omitempty"`
	LogE     float64           `json:"log_e"` // of all metrics together, the most of any look
	Findings []Finding         `json:"findings"`
	Reasons  []decision.Reason `json:"reasons"`
}

// looker is one call of Judge on its way.
type looker struct {
	req   *Request
	p     Policy
	start slo.Minute
	n     int // usable minutes
	out   Result
	// warn and open are reasons that end the watch as a warning and as inconclusive.
	hurts, warn, open []decision.Reason
}

// Judge answers one look, from everything that was measured since the deployment.
// It is sound at every look: what was sure once stays so.
func Judge(req Request, now time.Time) Result {
	l := &looker{req: &req, p: req.Policy.Normal(), start: req.Start()}
	l.n = req.usable(&l.p)
	l.out.Looked = slo.Minute(l.n)
	l.compare()
	l.limits()
	l.alarms()
	l.gaps(now)
	return l.finish(now)
}

// contest is a metric's races while they are run.
type contest struct {
	finding Finding
	refs    []reference
	races   []*race
	metric  *Metric
	log     float64 // of the look, the smallest of its references
}

// compare runs the change detection over all minutes there are.
func (l *looker) compare() {
	contests := make([]*contest, 0, len(l.req.Metrics))
	for i := range l.req.Metrics {
		contests = append(contests, l.contest(&l.req.Metrics[i]))
	}
	bar := Bar(&l.p)
	sure := -1
	for i := range l.n {
		total, judged := []float64{}, 0
		for _, c := range contests {
			if len(c.races) == 0 {
				continue
			}
			judged++
			c.look(i, l.start, bar)
			total = append(total, c.log)
		}
		if judged == 0 {
			break
		}
		// E-values of several metrics are averaged: valid whatever they have in common.
		log := logSum(total) - math.Log(float64(judged))
		l.out.LogE = max(l.out.LogE, log)
		if log >= bar {
			sure = i
			break
		}
	}
	for _, c := range contests {
		c.finding.LogE = max(0, c.log)
		l.out.Findings = append(l.out.Findings, c.finding)
	}
	if sure >= 0 {
		l.out.Sure = l.start + slo.Minute(sure)
		l.blame(sure)
	} else {
		l.seasons(bar)
	}
}

// contest prepares a metric.
func (l *looker) contest(m *Metric) *contest {
	c := &contest{metric: m}
	c.refs, c.finding.Strange = references(m, &l.p)
	c.finding.Metric, c.finding.After = m.Name, m.After.tally(l.n)
	c.finding.Disagree = disagree(m, c.refs, &l.p)
	for i := range c.refs {
		r := &c.refs[i]
		c.races = append(c.races, newRace(l.p.Duration, prior(r.tally), l.p.Margin, r.spread))
		c.finding.Against = append(c.finding.Against, Against{
			Reference: r.name, Tally: r.tally, Dispersion: r.spread,
			Detectable: detectable(c.finding.After.Total, r, &l.p),
		})
	}
	return c
}

// look takes one minute in.
func (c *contest) look(i int, start slo.Minute, bar float64) {
	c.log = math.Inf(1)
	for j, r := range c.races {
		a := &c.finding.Against[j]
		r.add(i, paired(&c.metric.After, &c.refs[j].counts, i))
		log, since := r.log()
		if log > a.LogE {
			a.LogE, a.Since = log, start+slo.Minute(since)
		}
		if log >= bar && a.Sure == 0 {
			a.Sure = start + slo.Minute(i)
		}
		if log < c.log {
			c.log, c.finding.Since = log, start+slo.Minute(since)
		}
	}
}

// blame names the metric that shows the harm most, and the others that show it by
// themselves.
func (l *looker) blame(sure int) {
	found := slices.Clone(l.out.Findings)
	slices.SortStableFunc(found, func(a, b Finding) int { return cmp.Compare(b.LogE, a.LogE) })
	l.out.Metric, l.out.Since = found[0].Metric, found[0].Since
	shared := math.Log(float64(len(found)))
	for i := range found {
		log := found[i].LogE - shared
		if i == 0 {
			log = l.out.LogE
		}
		if i == 0 || log >= Bar(&l.p) {
			l.hurts = append(l.hurts, decision.Reason{Code: "worse", Text: l.worseText(&found[i], slo.Minute(sure), log)})
		}
	}
}

// seasons warns where the share is above one reference and not above the other.
func (l *looker) seasons(bar float64) {
	bar += math.Log(float64(max(1, len(l.out.Findings))))
	for i := range l.out.Findings {
		f := &l.out.Findings[i]
		if len(f.Against) < 2 {
			continue
		}
		before, weeks := &f.Against[0], &f.Against[1]
		switch {
		case before.LogE >= bar && weeks.LogE < bar:
			l.warn = append(l.warn, decision.Reason{Code: "season", Text: l.seasonText(f)})
		case weeks.LogE >= bar && before.LogE < bar:
			l.warn = append(l.warn, decision.Reason{Code: "earlier", Text: l.earlierText(f)})
		}
	}
}

// finish puts the verdict together.
func (l *looker) finish(now time.Time) Result {
	end := l.start + l.p.Duration
	done := l.n >= int(l.p.Duration)
	late := !done && slo.MinuteOf(now) >= end+l.p.Wait
	out := &l.out
	switch {
	case len(l.hurts) > 0:
		out.Verdict, out.Over, out.Reasons = decision.Fail, true, l.hurts
	case !done && !late:
		out.Reasons = []decision.Reason{{Code: "watching", Text: l.watchingText()}}
	default:
		out.Over = true
		if late {
			l.open = append(l.open, decision.Reason{Code: "stale", Text: l.staleText()})
		}
		switch {
		case len(l.open) > 0:
			out.Reasons = l.open
		case len(l.warn) > 0:
			out.Verdict, out.Reasons = decision.Warn, l.warn
		default:
			out.Verdict, out.Reasons = decision.Pass, []decision.Reason{{Code: "healthy", Text: l.healthyText()}}
		}
	}
	if len(l.hurts) > 0 || len(l.open) > 0 {
		out.Reasons = append(out.Reasons, l.warn...)
	}
	out.Reasons = append(out.Reasons, l.doubts()...)
	return *out
}

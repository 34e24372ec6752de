package measure

import (
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// An answer without a store reads a whole window for one question. Minutes are
// needed only where a look-back begins among them; of the rest, counts of five
// minutes say the same for a fifth of the datapoints: 8,064 for 28 days.
//
// The price is at the old edge of a look-back that begins among the wide steps:
// the step it cuts is spread evenly over its minutes, so that up to four of
// them may be counted with events of their neighbours, 0.01 % of 28 days.
// Sums between whole steps are exact, and nothing is counted twice.

// BriefReach is how far back at least a brief reading asks for minutes: the
// longest look-back that pages.
const BriefReach = 6 * slo.Hour

// wideStep is the width of the steps before that.
const wideStep slo.Minute = 5

// condense finds out whether a job's older minutes may be asked in wide steps,
// and up to where.
func (j *job) condense(src metric.Source) {
	// Whole hours, where sources answer fastest; wide steps divide them.
	edge := floor(j.end-BriefReach, slo.Hour)
	if len(j.missing) == 0 || j.missing[0].From >= edge || !j.adds(src) {
		return
	}
	j.wide, j.edge = true, edge
	j.missing[0].From = floor(j.missing[0].From, wideStep)
}

// adds says whether wide steps say the same as minutes: counts of events that
// a source can add up, where silence is no events, and no time slice that is
// narrower (a slice finer than its data is unmeasured).
func (j *job) adds(src metric.Source) bool {
	d, ratio := j.ind.Definition.(slo.Ratio)
	widener, can := src.(metric.Widener)
	if !ratio || d.Counter || !can || j.ind.Missing == slo.MissingUnmeasured {
		return false
	}
	for _, o := range j.objectives {
		if o.Budgeting != slo.Occurrences && o.Slice%wideStep != 0 {
			return false
		}
	}
	for _, q := range j.queries {
		if w := widener.Widest(q); w < wideStep || w%wideStep != 0 {
			return false
		}
	}
	return true
}

// open is what a job misses that is to be asked at a step: 0 is its own.
func (j *job) open(step slo.Minute) []slo.Span {
	switch {
	case step > 0 && !j.wide:
		return nil
	case step > 0:
		return metric.Clip(j.missing, slo.Span{To: j.edge})
	case j.wide:
		return metric.Clip(j.missing, slo.Span{From: j.edge, To: j.end})
	}
	return j.missing
}

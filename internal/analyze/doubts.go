package analyze

import (
	"fmt"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// What makes a result doubtful.
const (
	leastCoverage = 0.9
	leastEvents   = 1_000 // a share of fewer events is a guess
	fastBurn      = 14.4  // the default page threshold over an hour on 30 days
)

// doubts says what the reader should know before believing the numbers.
func (r *Report) doubts(opt Options) (out []string) {
	total := r.Whole.Stretch.Total.Float()
	data := r.Whole.Span
	if total == 0 {
		return []string{"no event was recorded, so no target can be tried"}
	}
	if data.Len() < opt.Window {
		out = append(out, fmt.Sprintf("the data covers %s of a %s window: an incident a month may not be in it",
			length(data.Len()), length(opt.Window)))
	}
	if c := r.Whole.Stretch.Coverage(); c < leastCoverage {
		out = append(out, fmt.Sprintf("only %.1f %% of the time is measured; what happened in the gaps is not known", 100*c))
	}
	if total < leastEvents {
		out = append(out, fmt.Sprintf("%.0f events are few: one bad event moves the result by %.2g %%", total, 100/total))
	}
	if r.Whole.Stretch.Bad() == 0 {
		out = append(out, "nothing failed: either the service is better than every target here, or failures are not in the data")
	}
	if r.Suggested == 0 {
		return append(out, "no round target was met in every week; fix what fails first, or begin with a lower target")
	}
	return append(out, r.volume(total/float64(data.Len()))...)
}

// volume warns where a single bad event would page: when an hour's budget at
// the fast threshold is less than one event.
func (r *Report) volume(perMinute float64) []string {
	hour := perMinute * float64(slo.Hour)
	budget := float64(whole-r.Suggested) / float64(whole)
	if carry := hour * budget * fastBurn; carry < 1 {
		return []string{fmt.Sprintf("with %.3g events an hour, one bad event burns faster than %g at %s %%: "+
			"ask for a least number of bad events (nines/min-bad-events), time slices, or a lower target", hour, fastBurn, r.Suggested.Percent())}
	}
	return nil
}

// length prints a number of minutes in the largest unit that divides it, or
// with one decimal in days.
func length(m slo.Minute) string {
	switch {
	case m%slo.Day == 0:
		return fmt.Sprintf("%d d", m/slo.Day)
	case m > 2*slo.Day:
		return fmt.Sprintf("%.1f d", float64(m)/float64(slo.Day))
	case m%slo.Hour == 0:
		return fmt.Sprintf("%d h", m/slo.Hour)
	default:
		return fmt.Sprintf("%d min", m)
	}
}

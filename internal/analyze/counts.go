package analyze

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/slo"
)

// Options steer an analysis. The zero Options are days and weeks in UTC, the
// round targets, and a window of 30 days.
type Options struct {
	Zone    *time.Location
	Targets []Target
	Window  slo.Minute // the rolling window a target is tried on
}

func (o Options) filled() Options {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if len(o.Targets) == 0 {
		o.Targets = RoundTargets()
	}
	if o.Window <= 0 {
		o.Window = 30 * slo.Day
	}
	slices.Sort(o.Targets)
	return o
}

// Report is what counts say.
type Report struct {
	Whole  Period
	Days   []Period
	Weeks  []Period
	Gaps   []slo.Span // longest first
	Trials []Trial    // one a target, ascending
	// Suggested is the highest target that was met as a whole and in every week;
	// 0 when there is none. Parts of weeks count only where no week is whole.
	Suggested Target
	// Warnings say what the numbers cannot carry.
	Warnings []string
}

// Trial is how a target would have fared.
type Trial struct {
	Target    Target
	Whole     bool // met over all the data
	DaysMet   int  // of the days with events
	Days      int
	WeeksMet  int // of the weeks that count, see Report.Suggested
	Weeks     int
	Worst     slo.Span // the rolling window that left the least budget
	Remaining *float64 // what it left; nil without events
}

// Counts analyses measured steps. They are sorted by time first; of steps that
// overlap an earlier one only the earlier counts, and steps with more good
// than total events are left out; both are warned of.
func Counts(steps []Step, opt Options) Report {
	opt = opt.filled()
	steps, warnings := clean(steps)
	if len(steps) == 0 {
		return Report{Warnings: append(warnings, "there is nothing to analyse: no step has a count")}
	}
	data := slo.Span{From: steps[0].At, To: steps[len(steps)-1].Span().To}
	r := Report{
		Whole:    Period{Span: data, Stretch: slo.Stretch{Expected: int64(data.Len())}},
		Days:     periods(steps, data, opt.Zone, day),
		Weeks:    periods(steps, data, opt.Zone, week),
		Gaps:     gaps(steps),
		Warnings: warnings,
	}
	for _, s := range steps {
		r.Whole.Stretch = r.Whole.Stretch.Add(measured(s))
	}
	slices.SortStableFunc(r.Gaps, func(a, b slo.Span) int { return cmp.Compare(b.Len(), a.Len()) })
	for _, t := range opt.Targets {
		trial := r.try(t)
		trial.Worst, trial.Remaining = worst(steps, data, opt.Window, t)
		r.Trials = append(r.Trials, trial)
		if trial.Whole && trial.WeeksMet == trial.Weeks && r.Whole.Stretch.Total > 0 {
			r.Suggested = t
		}
	}
	r.Warnings = append(r.Warnings, r.doubts(opt)...)
	return r
}

// clean sorts steps and drops what cannot count.
func clean(in []Step) (steps []Step, warnings []string) {
	steps = slices.Clone(in)
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	var end slo.Minute
	overlaps, impossible := 0, 0
	steps = slices.DeleteFunc(steps, func(s Step) bool {
		switch {
		case s.Width <= 0 || s.Count.Good < 0 || s.Count.Good > s.Count.Total:
			impossible++
			return true
		case end > s.At && end != 0:
			overlaps++
			return true
		}
		end = s.Span().To
		return false
	})
	if impossible > 0 {
		warnings = append(warnings, fmt.Sprintf("%d steps were left out: more good than total events, or below zero", impossible))
	}
	if overlaps > 0 {
		warnings = append(warnings, fmt.Sprintf("%d steps were left out: they overlap the step before", overlaps))
	}
	return steps, warnings
}

// try holds a target against days, weeks and the whole.
func (r *Report) try(t Target) Trial {
	trial := Trial{Target: t, Whole: t.Met(r.Whole.Stretch.Count)}
	for _, p := range r.Days {
		if p.Stretch.Total > 0 {
			trial.Days++
			trial.DaysMet += met(t, p)
		}
	}
	for _, p := range r.countedWeeks() {
		trial.Weeks++
		trial.WeeksMet += met(t, p)
	}
	return trial
}

func met(t Target, p Period) int {
	if t.Met(p.Stretch.Count) {
		return 1
	}
	return 0
}

// countedWeeks are the whole weeks with events, or all with events where the
// data holds no whole one.
func (r *Report) countedWeeks() []Period {
	var whole, all []Period
	for _, p := range r.Weeks {
		if p.Stretch.Total <= 0 {
			continue
		}
		all = append(all, p)
		if !p.Part {
			whole = append(whole, p)
		}
	}
	if len(whole) > 0 {
		return whole
	}
	return all
}

// worst slides a window over the steps and returns the one that leaves the
// least of the target's budget. Data shorter than the window is one window.
func worst(steps []Step, data slo.Span, window slo.Minute, t Target) (span slo.Span, remaining *float64) {
	var sum slo.Count
	first := 0
	for i, s := range steps {
		sum = sum.Add(s.Count)
		end := s.Span().To
		for first < i && steps[first].At < end-window { // a step wider than the window stands for it
			sum = sum.Sub(steps[first].Count)
			first++
		}
		if end-data.From < min(window, data.Len()) {
			continue
		}
		if left := t.Remaining(sum); left != nil && (remaining == nil || *left < *remaining) {
			span, remaining = slo.Span{From: max(data.From, end-window), To: end}, left
		}
	}
	return span, remaining
}

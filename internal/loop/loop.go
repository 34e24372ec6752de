// Package loop runs work again and again, each subject at its own interval:
// what a long-running host (a watch, a daemon) stands on.
//
// Instants lie on a grid: the multiples of an interval since the year 1, moved
// by one phase for the whole loop. Subjects of one minute and of five therefore
// come due together every fifth minute and are worked on in one run.
package loop

import (
	"context"
	"math"
	"slices"
	"time"
)

// Plan says at which interval each subject is due.
type Plan map[string]time.Duration

// Tick is one run of the work.
type Tick struct {
	At  time.Time // when it began
	Due []string  // the subjects, sorted
	// Skipped is how many instants went by because the run before took longer
	// than their interval. They are not made up for.
	Skipped int
}

// Outcome is what a run says about the next ones.
type Outcome struct {
	// Plan replaces the plan: subjects left out are dropped, new ones are due at
	// once, and a shorter interval counts from now. nil: the plan stays.
	Plan Plan
	// Failed are subjects whose run failed. With each failure in a row their
	// interval doubles, up to Options.MaxBackoff; the first success ends that.
	Failed []string
}

// Work is one run. Its context outlives a cancelled loop by Options.Grace, so
// that what is under way can be brought to an end.
type Work func(ctx context.Context, t Tick) Outcome

// Options steer Run; the zero value has no jitter, no back-off and no grace.
type Options struct {
	// Now tells the time; nil: the clock.
	Now func() time.Time
	// Jitter returns a number from 0 to below 1, the share of Spread by which
	// the grid is moved; it is asked once. So many loops that start together do
	// not ask together. nil: 0.
	Jitter func() float64
	Spread time.Duration
	// MaxBackoff is the longest interval that failures lead to; a subject's own
	// interval where that is longer.
	MaxBackoff time.Duration
	// Grace is how long a run may go on once the loop is cancelled.
	Grace time.Duration
}

// Run works until the context is cancelled or no subject is left. The first run
// is at once and holds every subject. Runs never overlap.
func Run(ctx context.Context, plan Plan, work Work, opt Options) {
	l := &runner{opt: opt, subjects: map[string]*subject{}}
	if l.opt.Now == nil {
		l.opt.Now = time.Now
	}
	if opt.Jitter != nil {
		l.phase = time.Duration(opt.Jitter() * float64(opt.Spread))
	}
	l.adopt(plan, l.opt.Now())
	for ctx.Err() == nil && len(l.subjects) > 0 {
		now := l.opt.Now()
		due := l.due(now)
		if len(due) == 0 {
			l.wait(ctx, now)
			continue
		}
		tick := Tick{At: now, Due: due, Skipped: l.skipped}
		out := l.once(ctx, work, tick)
		l.follow(due, out)
	}
}

// subject is one thing to work on.
type subject struct {
	every    time.Duration
	next     time.Time
	failures int
}

type runner struct {
	opt      Options
	phase    time.Duration
	subjects map[string]*subject
	skipped  int
}

// adopt takes a plan on.
func (l *runner) adopt(plan Plan, now time.Time) {
	for name := range l.subjects {
		if _, ok := plan[name]; !ok {
			delete(l.subjects, name)
		}
	}
	for name, every := range plan {
		every = max(every, time.Second) // a loop without an interval would spin
		s := l.subjects[name]
		switch {
		case s == nil:
			l.subjects[name] = &subject{every: every, next: now}
		case s.every != every:
			s.every = every
			if sooner := l.grid(now, every); s.failures == 0 && sooner.Before(s.next) {
				s.next = sooner
			}
		}
	}
}

// due returns what is to be worked on, sorted.
func (l *runner) due(now time.Time) []string {
	var out []string
	for name, s := range l.subjects {
		if !s.next.After(now) {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// wait sleeps until something is due.
func (l *runner) wait(ctx context.Context, now time.Time) {
	first := time.Duration(math.MaxInt64)
	for _, s := range l.subjects {
		first = min(first, s.next.Sub(now))
	}
	t := time.NewTimer(first)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// once runs the work; when the loop is cancelled meanwhile it has the grace to
// come to its end.
func (l *runner) once(ctx context.Context, work Work, t Tick) Outcome {
	if l.opt.Grace <= 0 {
		return work(ctx, t)
	}
	inner, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() {
		limit := time.NewTimer(l.opt.Grace)
		defer limit.Stop()
		select {
		case <-limit.C:
			cancel()
		case <-ended:
		}
	})
	defer stop()
	return work(inner, t)
}

// follow takes on what a run said and finds when its subjects are due again.
func (l *runner) follow(ran []string, out Outcome) {
	now := l.opt.Now()
	l.skipped = 0
	for _, name := range ran {
		s := l.subjects[name]
		s.failures++
		if !slices.Contains(out.Failed, name) {
			s.failures = 0
		}
	}
	if out.Plan != nil {
		l.adopt(out.Plan, now)
	}
	for _, name := range ran {
		s := l.subjects[name]
		if s == nil {
			continue
		}
		wanted := l.grid(s.next, s.every)
		s.next = l.grid(now, s.every)
		if late := s.next.Sub(wanted); late > 0 {
			l.skipped += int(late / s.every)
		}
		s.next = s.next.Add(l.backoff(s))
	}
}

// backoff is by how much a subject's failures put it off: whole intervals, so
// that it stays on the grid.
func (l *runner) backoff(s *subject) time.Duration {
	longest := max(s.every, l.opt.MaxBackoff)
	wait := s.every
	for range s.failures {
		if wait *= 2; wait >= longest {
			wait = longest
			break
		}
	}
	return (wait - s.every).Truncate(s.every)
}

// grid is the first instant of an interval's grid after t.
func (l *runner) grid(t time.Time, every time.Duration) time.Time {
	return t.Add(-l.phase).Truncate(every).Add(every).Add(l.phase)
}

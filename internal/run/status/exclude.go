package status

import (
	"errors"
	"time"

	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/run/recur"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// exclude finds the minutes that do not count for an objective: those that an
// exclusion of the documents or one by command touches, between the oldest
// minute the arithmetic looks at and the end of the window's period.
func (x *reader) exclude(s *subject) error {
	o := &s.entry.Objective.Objective
	if !s.known || o.Window == nil {
		return nil
	}
	reach := o.Window.Period(s.frontier)
	for _, n := range slo.Needs(o, s.frontier) {
		reach = slo.Span{From: min(reach.From, n.From), To: max(reach.To, n.To)}
	}
	for i := range s.parts {
		if birth := s.parts[i].meta.Birth; x.whole && birth > 0 {
			reach.From = min(reach.From, birth)
		}
	}
	for i := range x.env.Catalog.Exclusions {
		e := &x.env.Catalog.Exclusions[i]
		if !concerns(o, e.Services...) {
			continue
		}
		if err := s.excludeDocument(e, reach); err != nil {
			return fault.Wrap(fault.Invalid, "exclusion "+e.Name, err, "")
		}
	}
	for _, m := range x.declared {
		if until := m.Until(); concerns(o, m.Subject) && (until.IsZero() || m.From.Before(until)) {
			s.excludeStretch(m.From, until, reach)
		}
	}
	return nil
}

func (s *subject) excludeDocument(e *config.Exclusion, reach slo.Span) error {
	if e.Cron == "" {
		if e.From.IsZero() {
			return errors.New("it says nowhere when it is")
		}
		s.excludeStretch(e.From, e.To, reach)
		return nil
	}
	rule, err := recur.Parse(e.Cron, e.Duration, e.Zone)
	if err != nil {
		return err
	}
	// Two days more than its length: civil days are up to an hour longer each
	// time a clock is put back.
	first := reach.From.Time().Add(-e.Duration - 48*time.Hour)
	for iv := range rule.Starting(first, reach.To.Time()) {
		from, to := iv.From, iv.To
		// From and To bound a recurrence, where they are given.
		if !e.From.IsZero() && from.Before(e.From) {
			from = e.From
		}
		if !e.To.IsZero() && to.After(e.To) {
			to = e.To
		}
		if from.Before(to) {
			s.excludeStretch(from, to, reach)
		}
	}
	return nil
}

// excludeStretch excludes every minute that [from, to) touches; a zero to is
// open-ended.
func (s *subject) excludeStretch(from, to time.Time, reach slo.Span) {
	span := slo.Span{From: slo.MinuteOf(from), To: reach.To}
	if !to.IsZero() {
		span.To = slo.MinuteOf(to.Add(time.Minute - time.Nanosecond))
	}
	if span = span.Intersect(reach); !span.Empty() {
		s.excluded = append(s.excluded, span)
	}
}

// concerns says whether subjects name an objective: "*", its service, its SLO,
// or itself.
func concerns(o *slo.Objective, subjects ...string) bool {
	for _, name := range subjects {
		switch name {
		case "*", o.Service, o.Service + "/" + o.SLO, o.Key():
			return true
		}
	}
	return false
}

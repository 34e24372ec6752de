package gate

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/gate"
	"gitlab.com/nines-sre/nines/internal/run/recur"
)

// reach is how far occurrences of a rule are followed to find where a freeze
// really ends. One that runs on behind it has no end worth naming.
const reach = 400 * 24 * time.Hour

// InForce returns the freezes of rules in force at an instant, one a rule.
// Occurrences that touch are one freeze: From and To are its real ends, in the
// rule's zone; a zero To runs on for more than a year. Errors are of kind
// Invalid: a rule that cannot be understood lets nothing pass.
func InForce(rules []gate.FreezeRule, at time.Time) ([]gate.Freeze, error) {
	var out []gate.Freeze
	for i := range rules {
		c, err := parseRule(&rules[i])
		if err != nil {
			return nil, err
		}
		if iv, ok := c.around(at); ok {
			f := gate.Freeze{
				Name: c.Name, Reason: c.Reason, Exempt: c.Exempt,
				From: iv.From.In(c.zone), To: iv.To,
			}
			if !f.To.IsZero() {
				f.To = f.To.In(c.zone)
			}
			out = append(out, f)
		}
	}
	return out, nil
}

// CheckFreeze says what is wrong with a rule; nil for nothing.
func CheckFreeze(rule gate.FreezeRule) error {
	_, err := parseRule(&rule)
	return err
}

// calendar is a freeze rule, understood.
type calendar struct {
	*gate.FreezeRule
	zone     *time.Location
	cron     *recur.Rule // nil: none
	holidays []recur.Holiday
}

func parseRule(r *gate.FreezeRule) (*calendar, error) {
	op := fmt.Sprintf("freeze %q", r.Name)
	wrap := func(err error) error { return fault.Wrap(fault.Invalid, op, err, "") }
	zone, err := recur.Zone(r.Zone)
	if err != nil {
		return nil, wrap(err)
	}
	c := &calendar{FreezeRule: r, zone: zone}
	if r.Cron != "" {
		if c.cron, err = recur.Parse(r.Cron, r.Duration, r.Zone); err != nil {
			return nil, wrap(err)
		}
	}
	for _, h := range r.Holidays {
		day, err := recur.ParseHoliday(h)
		if err != nil {
			return nil, wrap(err)
		}
		c.holidays = append(c.holidays, day)
	}
	oneOff := !r.From.IsZero() || !r.To.IsZero()
	switch {
	case r.Cron == "" && len(r.Holidays) == 0 && !oneOff:
		return nil, fault.New(fault.Invalid, op, "it says nowhere when it is", "give it a cron expression with a duration, holidays, or from and to")
	case oneOff && (r.From.IsZero() || !r.From.Before(r.To)):
		return nil, fault.New(fault.Invalid, op, "its end is not behind its beginning", "give it both from and to, to behind from")
	}
	for _, class := range r.Exempt {
		if _, err := gate.ParseClass(string(class)); err != nil {
			return nil, wrap(err)
		}
	}
	return c, nil
}

// around finds the freeze that holds at an instant. It looks at a short stretch
// first, and at a longer one only where what it found runs out of that.
func (c *calendar) around(at time.Time) (recur.Interval, bool) {
	for look := 8 * 24 * time.Hour; ; look *= 4 {
		last := look >= reach
		look = min(look, reach)
		from, to := at.Add(-look-c.Duration-24*time.Hour), at.Add(look)
		merged := recur.Merge(c.touching(from, to))
		i := slices.IndexFunc(merged, func(iv recur.Interval) bool { return iv.Contains(at) })
		if i < 0 {
			return recur.Interval{}, false
		}
		found := merged[i]
		whole := found.From.After(at.Add(-look)) && !found.To.After(to)
		switch {
		case whole || (c.cron == nil && last):
			return found, true
		case last:
			if found.To.After(to) {
				found.To = time.Time{}
			}
			return found, true
		}
	}
}

// touching returns every occurrence that touches [from, to), unmerged; those of
// the cron expression where they begin in it.
func (c *calendar) touching(from, to time.Time) []recur.Interval {
	var out []recur.Interval
	if c.cron != nil {
		out = slices.AppendSeq(out, c.cron.Starting(from, to))
	}
	for _, h := range c.holidays {
		out = append(out, h.Touching(from, to, c.zone)...)
	}
	if c.From.Before(to) && from.Before(c.To) {
		out = append(out, recur.Interval{From: c.From, To: c.To})
	}
	return out
}

// thaw is when no freeze holds a class any more: the end of the last of a row
// of freezes that follow each other without a gap. It is at itself where none
// holds now; ok is false where no end is in sight.
func thaw(inForce func(time.Time) ([]gate.Freeze, error), class gate.Class, at time.Time) (end time.Time, ok bool, err error) {
	end = at
	for range 1000 { // a row of freezes longer than that has no end in sight
		fs, err := inForce(end)
		if err != nil {
			return end, false, err
		}
		fs = slices.DeleteFunc(fs, func(f gate.Freeze) bool { return slices.Contains(f.Exempt, class) })
		if len(fs) == 0 {
			return end, true, nil
		}
		if slices.ContainsFunc(fs, func(f gate.Freeze) bool { return f.To.IsZero() }) || end.Sub(at) > reach {
			return end, false, nil
		}
		end = slices.MaxFunc(fs, func(a, b gate.Freeze) int { return cmp.Compare(a.To.UnixNano(), b.To.UnixNano()) }).To
	}
	return end, false, nil
}

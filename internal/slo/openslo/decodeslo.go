package openslo

import (
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/slo"
)

func (d decoder) slo(m Meta, spec *Node) *SLO {
	out := &SLO{
		Meta: m, Description: spec.Get("description").Str(), Service: ref(spec.Get("service")),
		Indicator: d.inlineSLI(spec.Get("indicator")), IndicatorRef: ref(spec.Get("indicatorRef")),
		Budgeting: budgeting(spec.Get("budgetingMethod").Str()), Place: spec.Where(),
	}
	out.Window = d.window(spec)
	for _, o := range spec.Get("objectives").List() {
		out.Objectives = append(out.Objectives, d.objective(o, out.Budgeting))
	}
	for _, p := range spec.Get("alertPolicies").List() {
		e := PolicyRef{Ref: ref(p.Get("alertPolicyRef"))}
		if in := p.Get("spec"); in.IsSet() {
			e.Inline = d.policy(d.inlineMeta(p, "AlertPolicy"), in)
		}
		out.Policies = append(out.Policies, e)
	}
	d.indicators(out, spec)
	return out
}

// indicators checks that the indicator stands above the objectives, or in each
// of them, and not in between.
func (d decoder) indicators(s *SLO, spec *Node) {
	above := s.Indicator != nil || s.IndicatorRef.Name != ""
	const either = "name it once under spec, or once in every objective of a composite"
	switch {
	case s.Composite() && above:
		d.r.Errorf(spec.KeyPlace("objectives"), "exclusive-fields", either, "spec and its objectives both have an indicator")
	case s.Composite():
		for i := range s.Objectives {
			o := &s.Objectives[i]
			if o.Indicator == nil && o.IndicatorRef.Name == "" {
				d.r.Errorf(o.Place, "missing-field", either, "this member of a composite has no indicator")
			}
		}
	case !above && !spec.Get("indicator").IsSet() && spec.IsSet():
		d.r.Errorf(spec.Place, "missing-field", either, "spec has no indicator or indicatorRef")
	}
	if s.Composite() {
		return
	}
	for i, o := range spec.Get("objectives").List() {
		if i < len(s.Objectives) && o.Get("compositeWeight").IsSet() {
			d.r.Warnf(o.KeyPlace("compositeWeight"), "unused-field", "it belongs to objectives that carry an indicator", "compositeWeight has no effect here")
		}
	}
}

func budgeting(s string) slo.Budgeting {
	i := slices.Index([]string{"Occurrences", "Timeslices", "RatioTimeslices"}, s)
	return slo.Budgeting(max(i, 0))
}

func (d decoder) window(spec *Node) *Window {
	list := spec.Get("timeWindow")
	if !list.IsSet() || len(list.Items) == 0 {
		if spec.IsSet() && list == nil {
			d.r.Warnf(spec.Place, "missing-window", "write timeWindow: [{duration: 28d, isRolling: true}]", "spec has no timeWindow; 28 rolling days are taken")
		}
		return nil
	}
	n := list.Items[0]
	cal := n.Get("calendar")
	w := &Window{
		Duration: n.Get("duration").Str(), Rolling: n.Get("isRolling").True(),
		Start: cal.Get("startTime").Str(), Zone: cal.Get("timeZone").Str(), Place: n.Get("duration").Where(),
	}
	switch {
	case w.Rolling && cal.IsSet():
		d.r.Errorf(n.KeyPlace("calendar"), "exclusive-fields", "leave one of them out", "a rolling window has no calendar")
	case !w.Rolling && !cal.IsSet() && n.Get("isRolling").IsSet():
		d.r.Errorf(n.Place, "missing-field", `write calendar: {startTime: "2026-01-01 00:00:00", timeZone: UTC}`, "a window that does not roll needs the field %q", "calendar")
	case !w.Rolling && !cal.IsSet():
		w.Rolling = true
		d.r.Warnf(n.Place, "missing-field", "write isRolling: true", "timeWindow has no %q; the window is taken as rolling", "isRolling")
	}
	d.unit(w)
	return w
}

// unit warns of lengths that mean something else than it seems.
func (d decoder) unit(w *Window) {
	if w.Duration == "" {
		return
	}
	switch w.Duration[len(w.Duration)-1] {
	case 'm':
		if !w.Rolling {
			d.r.Errorf(w.Place, "minute-window", "a month is M", "%s means minutes; a calendar has no such period", w.Duration)
			return
		}
		d.r.Warnf(w.Place, "minute-window", "a month is M; as a rolling window write 30d", "%s means minutes", w.Duration)
	case 'M', 'Q', 'Y':
		if m, err := Length(w.Duration); w.Rolling && err == nil {
			d.r.Warnf(w.Place, "calendar-length", "write "+slo.FormatLength(m)+", or use a calendar window", "a rolling window of %s has no fixed length; it is read as %s", w.Duration, slo.FormatLength(m))
		}
	}
}

func (d decoder) objective(n *Node, method slo.Budgeting) Objective {
	out := Objective{
		DisplayName: n.Get("displayName").Str(), Target: decimal(n.Get("target")),
		SliceTarget: decimal(n.Get("timeSliceTarget")), Weight: decimal(n.Get("compositeWeight")),
		Indicator: d.inlineSLI(n.Get("indicator")), IndicatorRef: ref(n.Get("indicatorRef")),
		Value: decimal(n.Get("value")), HasValue: n.Get("value").IsSet(), Place: n.Where(), BoundPlace: n.Where(),
	}
	out.Op, out.HasOp = opOf(n.Get("op").Str())
	switch {
	case out.HasOp:
		out.BoundPlace = n.KeyPlace("op")
	case out.HasValue:
		out.BoundPlace = n.KeyPlace("value")
	}
	if p := n.Get("targetPercent"); p.IsSet() && !n.Get("target").IsSet() {
		out.Target, _ = decimal(p).Shift(-2)
	}
	if out.Weight.IsZero() {
		out.Weight = slo.MustDecimal("1")
	}
	d.slice(&out, n, method)
	return out
}

// slice reads the time slice and checks that it is there where, and only
// where, the method uses one.
func (d decoder) slice(out *Objective, n *Node, method slo.Budgeting) {
	w := n.Get("timeSliceWindow")
	if w.IsSet() && w.Kind == Number {
		m, err := strconv.Atoi(w.Text)
		if err != nil {
			d.r.Errorf(w.Place, "invalid-duration", "write 1m or 5m", "a slice is a whole number of minutes, not %s", short(w.Text))
		} else {
			out.Slice = slo.Minute(min(m, int(slo.Day)*366))
			d.r.Warnf(w.Place, "number-as-duration", "write "+w.Text+"m", "timeSliceWindow: %s is read as minutes", w.Text)
		}
	} else {
		out.Slice = length(w)
	}
	if method == slo.Occurrences {
		for _, field := range []string{"timeSliceWindow", "timeSliceTarget"} {
			if n.Get(field).IsSet() {
				d.r.Warnf(n.KeyPlace(field), "unused-field", "it belongs to Timeslices and RatioTimeslices", "%s has no effect with Occurrences", field)
			}
		}
		return
	}
	if !w.IsSet() {
		d.r.Errorf(n.Where(), "missing-field", "write timeSliceWindow: 1m", "%s needs the field %q", method, "timeSliceWindow")
	}
	if method == slo.Timeslices && !n.Get("timeSliceTarget").IsSet() {
		d.r.Errorf(n.Where(), "missing-field", "the ratio at which a slice is good, as in 0.95", "%s needs the field %q", method, "timeSliceTarget")
	}
}

package config

import (
	"maps"
	"slices"
	"strconv"

	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// defaultDays is the window of an SLO that names none: whole weeks, so that
// every window has the same number of week-ends.
const defaultDays = 28

// defaultCoverage is the least share of measured minutes behind a decision.
const defaultCoverage = "0.9"

// draft is an objective in the making, with what its SLO says that not every
// objective keeps.
type draft struct {
	Objective
	missing  *slo.Missing // nil: the indicator's
	maxAge   *slo.Minute  // nil: the source's
	weighted bool
}

// resolveSLO turns an SLO into its objectives: one for each target, or one for
// a composite.
func (l *loader) resolveSLO(s *openslo.SLO) {
	l.serviceRef(s.Service)
	window := windowOf(s.Window)
	base := draft{Objective: Objective{
		Owner: l.owner(s), Labels: s.Meta.Labels, Description: s.Description, Place: s.Meta.Place,
		Objective: slo.Objective{
			Service: s.Service.Name, SLO: s.Meta.Name, Window: window, Budgeting: s.Budgeting,
		},
	}}
	l.objectiveNotes(s, &base)
	conditions, names := l.conditionsOf(s)
	base.AlertPolicies = names
	if s.Composite() {
		l.composite(s, base, conditions)
		return
	}
	for i := range s.Objectives {
		o := &s.Objectives[i]
		out := base
		out.Place = o.Place
		if !l.target(&out, o) {
			continue
		}
		ind := l.indicatorOf(s, o, i)
		if ind == nil {
			continue
		}
		out.Indicator = ind.ID
		l.finishObjective(&out, ind, conditions)
		l.addObjective(out.Objective)
	}
}

// target fills in what one entry of objectives says.
func (l *loader) target(out *draft, o *openslo.Objective) bool {
	out.Target, out.Slice, out.SliceTarget = o.Target, o.Slice, o.SliceTarget
	out.Name = o.DisplayName
	if out.Name == "" {
		out.Name = o.Target.String()
	}
	if possible := o.Target.Sign() > 0 && o.Target.Complement().Sign() > 0; !possible || out.Window == nil {
		return false // its shape was wrong, and said so
	}
	if out.Slice > 0 {
		if whole := span(out.Window); out.Slice > whole {
			l.report.Errorf(o.Place, "slice-too-long", "take a slice that fits many times", "a slice of %s is longer than the window of %s", slo.FormatLength(out.Slice), out.Window)
			return false
		}
	}
	return out.Budgeting == slo.Occurrences || out.Slice > 0
}

// span is a window's length in minutes, a month taken as 30 days.
func span(w slo.Window) slo.Minute {
	m, err := openslo.Length(w.String())
	if err != nil {
		return slo.Minute(1) << 40
	}
	return m
}

// finishObjective fills in what depends on the indicator and the conditions.
func (l *loader) finishObjective(out *draft, ind *built, conditions []condition) {
	if out.missing == nil {
		out.Missing = ind.Missing
	} else {
		out.Missing = *out.missing
	}
	if out.maxAge == nil {
		out.MaxAge = l.defaultAge(ind.Source)
	} else {
		out.MaxAge = *out.maxAge
	}
	if bySlice := out.Missing == slo.MissingGood || out.Missing == slo.MissingBad; bySlice && out.Budgeting == slo.Occurrences {
		l.report.Errorf(out.Place, "invalid-annotation", "use zero or unmeasured, or Timeslices", "nines/missing: good and bad are for time slices; Occurrences counts events, and a silent minute has none")
	}
	l.applyConditions(out, conditions)
}

// defaultAge is how old a source's newest minute may be: a file's may be any
// age, CloudWatch is slow.
func (l *loader) defaultAge(source string) slo.Minute {
	i, ok := l.res.sources[source]
	if !ok {
		return 0
	}
	switch l.cat.Sources[i].Type {
	case "csv":
		return 0
	case cloudWatch:
		return 10
	default:
		return 5
	}
}

// addObjective appends an objective unless its name is taken.
func (l *loader) addObjective(o Objective) {
	key := o.Key()
	if first, taken := l.res.keys[key]; taken {
		l.report.Errorf(o.Place, "duplicate-objective", "give them a displayName each; the first is at "+first.String(), "two objectives of %s are called %q", o.SLO, o.Name)
		return
	}
	l.res.keys[key] = o.Place
	l.checkMinimum(&o)
	l.cat.Objectives = append(l.cat.Objectives, o)
}

func (l *loader) owner(s *openslo.SLO) string {
	if a, ok := l.value(&s.Meta, "owner"); ok {
		return a.Value
	}
	if i, ok := l.res.services[s.Service.Name]; ok {
		return l.cat.Services[i].Owner
	}
	return ""
}

// objectiveNotes reads the annotations that steer an objective.
func (l *loader) objectiveNotes(s *openslo.SLO, out *draft) {
	out.Coverage = slo.MustDecimal(defaultCoverage)
	if a, ok := l.value(&s.Meta, "coverage"); ok {
		out.Coverage, _ = slo.ParseDecimal(a.Value)
	}
	if a, ok := l.value(&s.Meta, "min-bad-events"); ok {
		out.MinBad, _ = slo.ParseEvents(a.Value)
	}
	if a, ok := l.value(&s.Meta, "weighted"); ok {
		out.weighted = a.Value == "true"
	}
	if a, ok := l.value(&s.Meta, "max-age"); ok {
		age, _ := slo.ParseLength(a.Value) // 0 for never
		out.maxAge = &age
	}
	if a, ok := l.value(&s.Meta, "poll"); ok {
		out.Poll, _ = slo.ParseLength(a.Value)
	}
	if a, ok := l.value(&s.Meta, "missing"); ok {
		m := missingOf(a.Value)
		out.missing = &m
	}
	if a, ok := l.value(&s.Meta, "depends-on"); ok {
		for _, r := range splitRefs(a.Value) {
			if l.scopeRef(openslo.Ref{Name: r, Place: a.Place}, false) {
				out.DependsOn = append(out.DependsOn, r)
			}
		}
	}
}

func missingOf(word string) slo.Missing {
	return slo.Missing(max(0, slices.Index(missingWords(), word))) //nolint:gosec // one of four
}

// windowOf turns what was written into a window; nil where it was wrong.
func windowOf(w *openslo.Window) slo.Window {
	if w == nil {
		return slo.Rolling{Length: defaultDays * slo.Day}
	}
	if w.Rolling {
		m, err := openslo.Length(w.Duration)
		if err != nil {
			return nil
		}
		return slo.Rolling{Length: m}
	}
	loc, err := openslo.Zone(w.Zone)
	if err != nil {
		return nil
	}
	start, err := openslo.ParseStart(w.Start, loc)
	if err != nil {
		return nil
	}
	cal, err := slo.ParseCalendar(w.Duration, start, loc)
	if err != nil {
		return nil
	}
	return cal
}

// indicatorOf finds or builds the indicator of one entry of objectives.
func (l *loader) indicatorOf(s *openslo.SLO, o *openslo.Objective, i int) *built {
	b := bound{op: o.Op, hasOp: o.HasOp, value: o.Value, hasValue: o.HasValue, at: o.BoundPlace}
	own := s.Service.Name + "." + s.Meta.Name
	if s.Composite() {
		own += "." + strconv.Itoa(i+1)
	}
	switch {
	case o.Indicator != nil:
		return l.indicator(own, o.Indicator, b, s)
	case o.IndicatorRef.Name != "":
		return l.shared(own, o.IndicatorRef, b, s)
	case s.Indicator != nil:
		return l.indicator(l.perBound(own, s.Indicator, b, i), s.Indicator, b, s)
	case s.IndicatorRef.Name != "":
		sli := l.slis[s.IndicatorRef.Name]
		return l.shared(l.perBound(own, sli, b, i), s.IndicatorRef, b, s)
	}
	return nil
}

// perBound gives each bound of a threshold an indicator of its own: what is
// kept is whether the value met its bound.
func (l *loader) perBound(own string, sli *openslo.SLI, b bound, i int) string {
	if sli == nil || sli.Threshold == nil || i == 0 {
		return own
	}
	if first := l.res.indicators[own]; first != nil && first.bound.same(b) {
		return own
	}
	return own + "." + strconv.Itoa(i+1)
}

// shared is an indicator by name. One that counts belongs to all who name it;
// a threshold has its bound from the SLO, so each SLO has its own.
func (l *loader) shared(own string, r openslo.Ref, b bound, s *openslo.SLO) *built {
	sli := l.slis[r.Name]
	if sli == nil {
		if _, broken := l.names["SLI "+r.Name]; !broken {
			l.dangling(r, "SLI", slices.Sorted(maps.Keys(l.slis)))
		}
		return nil
	}
	if sli.Threshold != nil {
		return l.indicator(own, sli, b, s)
	}
	return l.indicator(r.Name, sli, b, s)
}

// composite builds one objective out of members.
func (l *loader) composite(s *openslo.SLO, out draft, conditions []condition) {
	out.Name = compositeName(s)
	var first *built
	for i := range s.Objectives {
		o := &s.Objectives[i]
		member := out
		member.Members, member.Place = nil, o.Place
		if !l.target(&member, o) {
			return
		}
		ind := l.indicatorOf(s, o, i)
		if ind == nil {
			return
		}
		member.Indicator = ind.ID
		l.finishObjective(&member, ind, nil)
		out.Members = append(out.Members, slo.Member{Objective: &member.Objective.Objective, Weight: o.Weight})
		l.strictest(&out, &member, i == 0)
		if first == nil {
			first = ind
		}
	}
	if len(out.Members) == 0 {
		return
	}
	l.finishObjective(&out, first, conditions)
	l.addObjective(out.Objective)
}

// strictest gives a composite what its members have in common: the lowest
// target (its budget is the widest), the longest slice, the longest age.
func (l *loader) strictest(out, member *draft, first bool) {
	if first || member.Target.Cmp(out.Target) < 0 {
		out.Target = member.Target
	}
	if !first && out.Budgeting != slo.Occurrences && out.Slice != member.Slice {
		l.report.Errorf(member.Place, "slices-differ", "give every member the same timeSliceWindow", "the members of a composite have slices of %s and %s", slo.FormatLength(out.Slice), slo.FormatLength(member.Slice))
	}
	out.Slice, out.SliceTarget = max(out.Slice, member.Slice), member.SliceTarget
	if out.maxAge == nil {
		age := member.MaxAge
		out.maxAge = &age
		return
	}
	*out.maxAge = max(*out.maxAge, member.MaxAge)
}

// compositeName names a composite, which has no target of its own.
func compositeName(s *openslo.SLO) string {
	if s.Meta.DisplayName != "" {
		return s.Meta.DisplayName
	}
	return "composite"
}

package config

import (
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// prefix begins the annotations that are ours.
const prefix = "nines/"

// annotation is a row of the table of annotations: which kinds may carry it
// and what its value must be. Check returns what is wrong with a value.
type annotation struct {
	name  string
	kinds []string
	doc   string
	check func(value string) string
}

// annotationTable is everything OpenSLO has no field for.
func annotationTable() []annotation {
	sli, objective := []string{"SLI", "SLO"}, []string{"SLO"}
	return append([]annotation{
		{"missing", sli, "What a minute without a datapoint means: zero, unmeasured, good or bad.", wordCheck(missingWords())},
		{"since", sli, "When the indicator begins, RFC 3339; by default its first measured minute.", func(v string) string { _, err := parseTime(v, time.UTC); return errText(err) }},
		{"period", sli, "The step of the data, as in 1m or 5m.", lengthCheck},
		{"min-bad-events", objective, "A condition is false below this many bad events in its long look-back.", amountCheck},
		{"weighted", objective, "true: conditions count bad events against the whole period's budget.", wordCheck([]string{"true", "false"})},
		{"coverage", objective, "The least share of measured minutes that a decision needs; 0.9 by default.", shareCheck},
		{"max-age", objective, "How old the newest minute may be before the state is stale; never, or as in 10m.", ageCheck},
		{"poll", objective, "How often a watching loop reads it while nothing burns, as in 1m or 15m; 5m by default.", lengthCheck},
		{"depends-on", []string{"SLO", "Service"}, "Services, or service/slo, whose budgets count too; with commas between.", refsCheck},
		{"owner", []string{"SLO", "Service"}, "Who looks after it.", func(string) string { return "" }},
		{"paths", []string{"Service"}, "The paths of a repository that are its own, with commas between: services/payment/**.", globsCheck},
		{"evidence", []string{"AlertCondition"}, "How rarely an objective that is kept shows as much evidence against itself as the condition asks for, as in 5w.", lengthCheck},
		{"short-window", []string{"AlertCondition"}, "The short look-back; a twelfth of the long one by default.", lengthCheck},
	}, targetAnnotations()...)
}

func missingWords() []string { return []string{"zero", "unmeasured", "good", "bad"} }

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func wordCheck(words []string) func(string) string {
	return func(v string) string {
		if slices.Contains(words, v) {
			return ""
		}
		return "must be " + strings.Join(words, ", ") + ", not " + quoted(v)
	}
}

func quoted(v string) string { return `"` + clipText(v) + `"` }

func lengthCheck(v string) string { _, err := slo.ParseLength(v); return errText(err) }

func amountCheck(v string) string { _, err := slo.ParseEvents(v); return errText(err) }

func shareCheck(v string) string {
	d, err := slo.ParseDecimal(v)
	if err != nil {
		return err.Error()
	}
	if d.Sign() < 0 || d.Cmp(slo.MustDecimal("1")) > 0 {
		return "must be between 0 and 1, not " + quoted(v)
	}
	return ""
}

func ageCheck(v string) string {
	if v == "never" {
		return ""
	}
	return lengthCheck(v)
}

func refsCheck(v string) string {
	for _, r := range splitRefs(v) {
		if why := refCheck(r); why != "" {
			return why
		}
	}
	if len(splitRefs(v)) == 0 {
		return "names no service"
	}
	return ""
}

// refCheck wants "service" or "service/slo".
func refCheck(r string) string {
	service, name, has := strings.Cut(r, "/")
	check := openslo.NameFormat().Check
	if why, _ := check(service); why != "" {
		return why
	}
	if !has {
		return ""
	}
	why, _ := check(name)
	return why
}

func splitRefs(v string) []string {
	var out []string
	for r := range strings.SplitSeq(v, ",") {
		if r = strings.TrimSpace(r); r != "" {
			out = append(out, r)
		}
	}
	return out
}

// parseTime reads RFC 3339, or a date or a date and time in a zone.
func parseTime(v string, loc *time.Location) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, v); err == nil {
		return t, nil
	}
	t, err := openslo.ParseStart(v, loc)
	if err != nil {
		return t, fault.New(fault.Invalid, "", quoted(v)+" is not a time: write it as 2026-01-31T12:00:00Z, or a date", "")
	}
	return t, nil
}

// annotations checks what an object's metadata carries.
func (l *loader) annotations(kind string, m *openslo.Meta) {
	for _, a := range m.Annotations {
		group, name, has := strings.Cut(a.Key, "/")
		switch {
		case !has:
		case group == "openslo.com":
			l.report.Warnf(a.KeyPlace, "reserved-annotation", "use a prefix of your own", "annotations that begin with openslo.com/ are reserved for OpenSLO")
		case group+"/" == prefix:
			l.annotation(kind, name, a)
		case openslo.Suggest(group, []string{"nines"}) != "":
			l.report.Warnf(a.KeyPlace, "unknown-annotation", `did you mean "nines/`+name+`"?`, "annotation %s is not read", clipText(a.Key))
		}
	}
}

func (l *loader) annotation(kind, name string, a openslo.Annotation) {
	table := l.res.annotations
	i := slices.IndexFunc(table, func(row annotation) bool { return row.name == name })
	if i < 0 {
		var known []string
		for _, row := range table {
			if slices.Contains(row.kinds, kind) {
				known = append(known, prefix+row.name)
			}
		}
		l.report.Errorf(a.KeyPlace, "unknown-annotation", openslo.DidYouMean(a.Key, known), "there is no annotation %s", clipText(a.Key))
		return
	}
	if row := table[i]; !slices.Contains(row.kinds, kind) {
		l.report.Errorf(a.KeyPlace, "misplaced-annotation", "it belongs to "+strings.Join(row.kinds, " and "), "annotation %s has no effect on kind %s", a.Key, kind)
	} else if why := row.check(a.Value); why != "" {
		l.report.Errorf(a.Place, "invalid-annotation", row.doc, "annotation %s: %s", a.Key, why)
	}
}

// inlineAnnotations checks the objects that an SLO writes in place.
func (l *loader) inlineAnnotations(s *openslo.SLO) {
	if s.Indicator != nil {
		l.annotations("SLI", &s.Indicator.Meta)
	}
	for i := range s.Objectives {
		if in := s.Objectives[i].Indicator; in != nil {
			l.annotations("SLI", &in.Meta)
		}
	}
	for _, p := range s.Policies {
		if p.Inline == nil {
			continue
		}
		for _, c := range p.Inline.Conditions {
			if c.Inline != nil {
				l.annotations("AlertCondition", &c.Inline.Meta)
			}
		}
		l.inlineTargets(p.Inline)
	}
}

// inlineTargets checks the targets that a policy writes in place.
func (l *loader) inlineTargets(p *openslo.AlertPolicy) {
	for _, t := range p.Targets {
		if t.Inline != nil {
			l.annotations("AlertNotificationTarget", &t.Inline.Meta)
		}
	}
}

// value returns the value of one of our annotations where it is there and
// valid.
func (l *loader) value(m *openslo.Meta, name string) (openslo.Annotation, bool) {
	a, ok := m.Annotation(prefix + name)
	if !ok {
		return a, false
	}
	i := slices.IndexFunc(l.res.annotations, func(row annotation) bool { return row.name == name })
	return a, i >= 0 && l.res.annotations[i].check(a.Value) == ""
}

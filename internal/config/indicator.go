package config

import (
	"slices"
	"strings"
	"time"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
	"gitlab.com/nines-sre/nines/internal/slo/openslo"
)

// built is an indicator in the catalog and what it was built from.
type built struct {
	Indicator
	seq   int
	bound bound
	// said holds the values that SLOs gave the indicator by annotation, and
	// where: two must not contradict each other.
	said map[string]openslo.Annotation
}

// bound is what an objective compares a value with.
type bound struct {
	op       slo.Op
	hasOp    bool
	value    slo.Decimal
	hasValue bool
	at       fault.Place
}

func (b bound) same(o bound) bool { return b.op == o.op && b.value == o.value }

// indicator returns the indicator of an ID, building it on first use.
func (l *loader) indicator(id string, sli *openslo.SLI, b bound, s *openslo.SLO) *built {
	if b.hasOp || b.hasValue {
		l.strayBound(sli, b)
	}
	out := l.res.indicators[id]
	if out == nil {
		ind := l.define(sli, b, s.Meta.Place)
		if ind == nil {
			return nil
		}
		ind.ID = id
		out = &built{Indicator: *ind, seq: len(l.res.indicators), bound: b, said: map[string]openslo.Annotation{}}
		l.res.indicators[id] = out
		l.indicatorNotes(out, &sli.Meta)
	}
	l.indicatorNotes(out, &s.Meta)
	return out
}

// strayBound warns of op and value beside a ratio, which have no meaning
// there but stand in many documents.
func (l *loader) strayBound(sli *openslo.SLI, b bound) {
	if sli.Threshold == nil {
		l.report.Warnf(b.at, "op-beside-ratio", "leave op and value out; they belong to a thresholdMetric", "op and value have no meaning beside a ratioMetric")
	}
}

// indicatorNotes reads the annotations about measuring. They may stand at the
// SLI or at an SLO; where both speak they must agree, because the indicator is
// measured once.
func (l *loader) indicatorNotes(out *built, m *openslo.Meta) {
	for _, name := range []string{"missing", "since", "period"} {
		a, ok := l.value(m, name)
		if !ok {
			continue
		}
		if first, had := out.said[name]; had && first.Value != a.Value {
			l.report.Errorf(a.Place, "contradicting-annotation", "write it once, at the SLI", "%s of indicator %s is %q at %s and %q here", a.Key, out.ID, first.Value, first.Place, a.Value)
			continue
		}
		out.said[name] = a
		switch name {
		case "missing":
			out.Missing = missingOf(a.Value)
		case "since":
			if t, err := parseTime(a.Value, time.UTC); err == nil {
				out.Since = slo.MinuteOf(t)
			}
		case "period":
			out.Period, _ = slo.ParseLength(a.Value)
		}
	}
}

// define checks an SLI and turns it into an indicator without a name; nil
// where it is wrong.
func (l *loader) define(sli *openslo.SLI, b bound, at fault.Place) *Indicator {
	out := &Indicator{Missing: slo.MissingZero, Place: sli.Meta.Place}
	if out.Place == (fault.Place{}) {
		out.Place = at
	}
	before := l.report.Problems.Errors()
	var sources []string
	query := func(m *openslo.Metric, role string) *slo.Query {
		if m == nil {
			return nil
		}
		q := l.query(m, role)
		if q != nil {
			sources = append(sources, q.Source)
		}
		return q
	}
	switch {
	case sli.Ratio != nil && sli.Ratio.Raw != nil:
		raw := query(sli.Ratio.Raw, "raw")
		if raw != nil && raw.Type == cloudWatch {
			l.specProblems(sli.Ratio.Raw.Spec, checkRaw(raw.Spec))
		}
		out.Definition = slo.RawRatio{Raw: raw, Failure: sli.Ratio.Failure}
		out.Missing = slo.MissingUnmeasured
	case sli.Ratio != nil:
		r := slo.Ratio{Good: query(sli.Ratio.Good, "good"), Bad: query(sli.Ratio.Bad, "bad"), Total: query(sli.Ratio.Total, "total"), Counter: sli.Ratio.Counter}
		l.checkRatio(sli.Ratio, r)
		out.Definition = r
	case sli.Threshold != nil:
		out.Definition = l.threshold(query(sli.Threshold, "value"), sli, b)
		out.Missing = slo.MissingUnmeasured
	}
	if slices.Sort(sources); len(sources) > 0 {
		out.Source = sources[0]
		if last := sources[len(sources)-1]; last != out.Source {
			l.report.Errorf(out.Place, "two-sources", "let one source answer for both, so that they agree on what a minute is", "the indicator is measured at %s and at %s", out.Source, last)
		}
	}
	if l.report.Problems.Errors() > before || out.Definition == nil || len(sources) == 0 {
		return nil
	}
	return out
}

// threshold puts the objective's bound beside the metric. An SLI that nothing
// refers to has no bound yet.
func (l *loader) threshold(q *slo.Query, sli *openslo.SLI, b bound) slo.Indicator {
	switch {
	case b.at == (fault.Place{}):
	case !b.hasOp || !b.hasValue:
		l.report.Errorf(b.at, "missing-field", "write op: lt and value: 0.3", "an objective about a thresholdMetric needs op and value")
	case q != nil && q.Type == cloudWatch:
		l.unitOfBound(q.Spec, b.value, b.at)
	}
	_ = sli
	return slo.Threshold{Metric: q, Op: b.op, Bound: b.value}
}

// checkRatio checks what good, bad and total are to each other.
func (l *loader) checkRatio(r *openslo.Ratio, q slo.Ratio) {
	for _, part := range []struct {
		metric *openslo.Metric
		query  *slo.Query
	}{{r.Good, q.Good}, {r.Bad, q.Bad}, {r.Total, q.Total}} {
		if part.query != nil && part.query.Type == cloudWatch {
			l.specProblems(part.metric.Spec, checkCountable(part.query.Spec))
		}
	}
	numerator, where := q.Good, r.Good
	if numerator == nil {
		numerator, where = q.Bad, r.Bad
	}
	if numerator == nil || q.Total == nil || numerator.Type != cloudWatch || numerator.Source != q.Total.Source {
		return
	}
	if digestOf(numerator.Spec) == digestOf(q.Total.Spec) {
		l.report.Errorf(where.Place, "good-is-total", "count fewer of them: another metric, or another statistic such as TC(:300)", "this and total ask for the same thing, so the ratio never moves")
	}
}

// query resolves a metric's source and checks its spec.
func (l *loader) query(m *openslo.Metric, role string) *slo.Query {
	q := &slo.Query{}
	var details slo.Spec // of the data source
	switch {
	case m.Source.Name != "":
		ds, ok := l.sources[m.Source.Name]
		if !ok {
			if _, broken := l.names["DataSource "+m.Source.Name]; !broken {
				l.dangling(m.Source, "DataSource", sortedKeys(l.sources))
			}
			return nil
		}
		if m.Type.Name != "" && m.Type.Name != ds.Type.Name {
			l.report.Errorf(m.Type.Place, "source-type-differs", "leave type out", "type is %s, but the DataSource %s is of type %s", clipText(m.Type.Name), m.Source.Name, ds.Type.Name)
		}
		q.Source, q.Type, details = m.Source.Name, ds.Type.Name, l.spec(ds.Details)
	case m.Type.Name != "":
		if !l.knownType(m.Type) {
			return nil
		}
		q.Source, q.Type = l.anonymous(m.Type, dir(m.Place)), m.Type.Name
	default:
		return nil
	}
	q.Spec = l.spec(m.Spec)
	l.secrets(m.Spec)
	if typ, ok := l.opt.Types[q.Type]; ok && typ.Check != nil && len(q.Spec) > 0 {
		l.specProblems(m.Spec, typ.Check(q.Spec))
	}
	if q.Type == cloudWatch {
		l.specProblems(m.Spec, checkRegions(q.Spec, details))
		if role != "value" {
			l.unitOfCount(m.Spec, q.Spec)
		}
	}
	return q
}

// anonymous lists a source that is named by its type alone. Relative paths
// begin at its document's folder, so there is one for each folder.
func (l *loader) anonymous(t openslo.Ref, folder string) string {
	folders := l.res.anonymous[t.Name]
	name := t.Name
	switch i := slices.Index(folders, folder); {
	case i > 0:
		return name + "@" + folder
	case i == 0:
		return name
	case len(folders) > 0:
		name += "@" + folder
	}
	if _, taken := l.res.sources[name]; taken {
		name += "@" + strings.TrimSuffix(folder, "/")
	}
	l.res.anonymous[t.Name] = append(folders, folder)
	l.res.sources[name] = len(l.cat.Sources)
	l.cat.Sources = append(l.cat.Sources, DataSource{Name: name, Type: t.Name, Dir: folder, Place: t.Place})
	return name
}

// sourceOf is a source of the catalog by its name.
func (l *loader) sourceOf(name string) DataSource {
	if i, ok := l.res.sources[name]; ok {
		return l.cat.Sources[i]
	}
	return DataSource{}
}

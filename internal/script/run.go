package script

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gitlab.com/nines-sre/nines/internal/backtest"
	"gitlab.com/nines-sre/nines/internal/config"
	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Failure is an expectation that did not come true.
type Failure struct {
	Place fault.Place `json:"place"`
	// Expected is the line, Got what was found.
	Expected string `json:"expected"`
	Got      string `json:"got"`
}

// Result is what became of a script.
type Result struct {
	File     string    `json:"file"`
	Checks   int       `json:"checks"`
	Failures []Failure `json:"failures,omitempty"`
}

// Documents returns the catalog that names which a script does not declare are
// looked up in; it is asked only if there are any.
type Documents func() (*config.Catalog, error)

// Run runs a script. The error is a script that cannot be run: samples that do
// not fit together, a name that nobody knows.
func Run(s *Script, docs Documents) (Result, error) {
	m := machine{s: s, docs: docs, subjects: map[string]*subject{}}
	out := Result{File: s.File, Checks: s.Checks}
	for i := range s.steps {
		failures, err := m.step(&s.steps[i])
		if err != nil {
			return out, err
		}
		out.Failures = append(out.Failures, failures...)
	}
	return out, nil
}

// machine is a script on its way.
type machine struct {
	s        *Script
	docs     Documents
	catalog  *config.Catalog
	subjects map[string]*subject // by service/slo, or service/slo/objective
}

// subject is an objective and what was loaded of it.
type subject struct {
	o        *slo.Objective
	policies []string
	points   map[slo.Minute]slo.Count
	end      slo.Minute
	excluded []slo.Span
	view     slo.View // of the points; nil: they changed
	replayed *backtest.Replayed
}

func (m *machine) wrong(line int, format string, args ...any) error {
	return fault.Problems{{
		Place: fault.Place{File: m.s.File, Line: line, Column: 1}, Rule: "script", Message: fmt.Sprintf(format, args...),
	}}.Err(false)
}

func (m *machine) step(s *step) ([]Failure, error) {
	switch s.verb {
	case "clear":
		m.subjects = map[string]*subject{}
		return nil, nil
	case "objective":
		m.subjects[s.objective] = &subject{o: s.declared, points: map[slo.Minute]slo.Count{}}
		return nil, nil
	}
	x, err := m.find(s)
	if err != nil {
		return nil, err
	}
	switch s.verb {
	case "load":
		return nil, m.load(x, s)
	case "rows":
		for _, r := range s.rows {
			x.put(r.at, slo.Count{Good: r.good, Total: r.total})
		}
		return nil, nil
	case "exclude":
		x.excluded = append(x.excluded, s.span)
		x.view, x.replayed = nil, nil
		return nil, nil
	}
	var out []Failure
	for i := range s.checks {
		c := &s.checks[i]
		got, ok, err := m.check(x, s.at, c.words)
		if err != nil {
			return out, m.wrong(c.line, "%v", err)
		}
		if !ok {
			out = append(out, Failure{fault.Place{File: m.s.File, Line: c.line, Column: 1}, c.text, got})
		}
	}
	return out, nil
}

// find returns the subject of a step: a declared one, or one of the documents.
func (m *machine) find(s *step) (*subject, error) {
	if s.objective == "" {
		if len(m.subjects) == 1 {
			for _, x := range m.subjects {
				return x, nil
			}
		}
		return nil, m.wrong(s.line, "of which objective? Write `at TIME SERVICE/SLO`; there are %d", len(m.subjects))
	}
	if x, ok := m.subjects[s.objective]; ok {
		return x, nil
	}
	if m.catalog == nil && m.docs != nil {
		catalog, err := m.docs()
		if err != nil {
			return nil, fault.Wrap(fault.KindOf(err), fmt.Sprintf("%s:%d: %s", m.s.File, s.line, clip(s.objective)), err, "declare it: `objective SERVICE/SLO 99.9% over 30d`")
		}
		m.catalog = catalog
	}
	var found []*subject
	if m.catalog != nil {
		for i := range m.catalog.Objectives {
			o := &m.catalog.Objectives[i]
			if key := o.Key(); key == s.objective || strings.HasPrefix(key, s.objective+"/") {
				found = append(found, &subject{o: &o.Objective, policies: o.AlertPolicies, points: map[slo.Minute]slo.Count{}})
			}
		}
	}
	switch {
	case len(found) == 0:
		known := slices.Sorted(maps.Keys(m.subjects))
		return nil, m.wrong(s.line, "there is no objective %q, neither here (%s) nor in the documents", clip(s.objective), strings.Join(known, ", "))
	case len(found) > 1:
		return nil, m.wrong(s.line, "%q are %d objectives; name one as SERVICE/SLO/OBJECTIVE", clip(s.objective), len(found))
	case len(found[0].o.Members) > 0:
		return nil, m.wrong(s.line, "%q is a composite, and those cannot be loaded; test its parts", clip(s.objective))
	}
	m.subjects[s.objective] = found[0]
	return found[0], nil
}

func (x *subject) put(at slo.Minute, c slo.Count) {
	x.points[at] = c
	x.end = max(x.end, at+1)
	x.view, x.replayed = nil, nil
}

// load puts series behind what is loaded already. A step wider than a minute is
// spread over its minutes, the rest over the first ones.
func (m *machine) load(x *subject, s *step) error {
	total, good, bad := s.series["total"], s.series["good"], s.series["bad"]
	part, isBad := good, false
	if good == nil {
		part, isBad = bad, true
	}
	switch {
	case total == nil || part == nil || good != nil && bad != nil:
		return m.wrong(s.line, "load total, and either good or bad")
	case len(total) != len(part):
		return m.wrong(s.line, "total has %d samples and the other %d", len(total), len(part))
	}
	at := cmp.Or(x.end, m.s.Start)
	for i := range total {
		if total[i].missing || part[i].missing {
			at += s.every
			x.end = max(x.end, at)
			continue
		}
		ok := part[i].value
		if isBad {
			ok = total[i].value - part[i].value
		}
		if ok < 0 || ok > total[i].value {
			return m.wrong(s.line, "sample %d: a part of %v of %v", i+1, part[i].value.Float(), total[i].value.Float())
		}
		for k := range s.every {
			x.put(at, slo.Count{Good: spread(ok, s.every, k), Total: spread(total[i].value-ok, s.every, k) + spread(ok, s.every, k)})
			at++
		}
	}
	x.view, x.replayed = nil, nil
	return nil
}

// spread is the k-th of n parts of an amount; the parts add up.
func spread(a slo.Amount, n, k slo.Minute) slo.Amount {
	each, rest := a/slo.Amount(n), a%slo.Amount(n)
	if slo.Amount(k) < rest {
		each++
	}
	return each
}

// Package metrictest is the conformance suite every metric.Source passes. A
// failing case prints the rule it guards.
package metrictest

import (
	"context"
	"fmt"
	"testing"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Data is one series the source under test shall hold. Points stand in the
// order in which the source shall come to know them.
type Data struct {
	Name   string
	Width  slo.Minute
	Points []metric.Point
}

// Harness builds the source under test and says what it cannot do. A new
// adapter starts with every limit set and ends with as few as its source has.
type Harness struct {
	// Open returns a source that holds exactly data. For each series it answers
	// at least from the first point to the end of the last.
	Open func(t *testing.T, data []Data) metric.Source
	// Spec names a series of the data in the source's own terms.
	Spec func(name string) slo.Spec
	// Faults are the ways in which the source fails, one or more a kind.
	Faults []Fault

	// Aggregates says that two points of one step are two samples, not two
	// versions of one answer.
	Aggregates bool
	// OnGrid says that steps always lie on the UTC grid of their width.
	OnGrid bool
	// NotNegative says that the source cannot hold values below zero.
	NotNegative bool
	// Floats says that values pass through float64: exact in millionths up to
	// 2^53 of them.
	Floats bool
	// Coarsens says that the source keeps old steps only in coarser ones.
	Coarsens bool
}

// Fault is one way to fail.
type Fault struct {
	Name string
	Kind fault.Kind
	// Open returns the source and a query that must fail on it.
	Open func(t *testing.T) (metric.Source, metric.Query)
	// Others, if set, are queries of the same source that must be answered in
	// the same request nevertheless.
	Others []metric.Query
}

// Run checks a source against the contract of [metric.Source].
func Run(t *testing.T, h Harness) {
	t.Helper()
	for _, c := range cases() {
		t.Run(c.name, func(t *testing.T) {
			c.check(&probe{T: t, h: h, rule: c.rule})
		})
	}
	for _, f := range h.Faults {
		t.Run("fault/"+f.Name, func(t *testing.T) { checkFault(t, f) })
	}
}

// testCase is one rule and how to see that it holds.
type testCase struct {
	name, rule string
	check      func(*probe)
}

// probe is a test that knows which rule it guards.
type probe struct {
	*testing.T
	h    Harness
	rule string
}

// fail reports a breach together with the rule.
func (p *probe) fail(format string, args ...any) {
	p.Helper()
	p.Errorf("%s\nthe rule: %s", fmt.Sprintf(format, args...), p.rule)
}

// requests is the series of the cases that need only one.
const requests = "requests"

// fetch asks for that series and checks what holds for every answer.
func (p *probe) fetch(src metric.Source, span slo.Span) metric.Series {
	p.Helper()
	return p.query(src, metric.Query{Key: requests, Spec: p.h.Spec(requests)}, span)
}

// query asks one query and checks what holds for every answer.
func (p *probe) query(src metric.Source, q metric.Query, span slo.Span) metric.Series {
	p.Helper()
	got, err := src.Fetch(p.Context(), metric.Request{Queries: []metric.Query{q}, Span: span})
	if err != nil {
		p.Fatalf("Fetch(%v) failed: %v", span, err)
	}
	if len(got) != 1 || got[0].Key != q.Key {
		p.Fatalf("Fetch of one query %q answered %d series: every query comes back once, under its key", q.Key, len(got))
	}
	if got[0].Err != nil {
		p.Fatalf("query %q failed: %v", q.Key, got[0].Err)
	}
	for _, breach := range Breaches(got[0], span) {
		p.Errorf("Fetch(%v): %s", span, breach)
	}
	return got[0]
}

// Breaches lists what is wrong with the shape of an answer to a span; a sound
// one has none.
func Breaches(s metric.Series, span slo.Span) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	answered := metric.Merge(s.Answered)
	for i, pt := range s.Points {
		switch step := (slo.Span{From: pt.At, To: pt.At + pt.Width}); {
		case pt.Width < 1:
			say("the step at %v is %d minutes wide; a step is at least one", pt.At.Time(), pt.Width)
		case !span.Contains(pt.At):
			say("a point at %v, outside the half-open span", pt.At.Time())
		case i > 0 && s.Points[i-1].At+s.Points[i-1].Width > pt.At:
			say("the steps at %v and %v overlap or stand out of order", s.Points[i-1].At.Time(), pt.At.Time())
		case !metric.Covers(answered, step):
			say("the step at %v is not answered, yet it has a point: no step is cut", pt.At.Time())
		}
	}
	// The last step may be a silent one: how wide it is, its neighbours say; where
	// the whole span is silent, an hour is let pass.
	end := span.To + slo.Hour
	if len(s.Points) > 0 {
		end = span.To
		for _, pt := range s.Points {
			end = max(end, span.To+pt.Width-1, pt.At+pt.Width)
		}
	}
	for i, a := range s.Answered {
		switch {
		case a.Empty(), i > 0 && s.Answered[i-1].To > a.From:
			say("answered stretches %v are empty, overlap or stand out of order", s.Answered)
		case a.From < span.From, a.To > end:
			say("answered %v reaches beyond %v by more than its last step", a, span)
		}
	}
	if s.Err != nil && len(s.Answered)+len(s.Points) > 0 {
		say("a failed query answered something: %v", s.Err)
	}
	return out
}

// checkFault checks that a failure is classified, explained and contained.
func checkFault(t *testing.T, f Fault) {
	t.Helper()
	src, q := f.Open(t)
	req := metric.Request{Queries: append([]metric.Query{q}, f.Others...), Span: slo.Span{From: day, To: day + slo.Day}}
	got, err := src.Fetch(context.WithoutCancel(t.Context()), req)
	if err == nil {
		for _, s := range got {
			if s.Key == q.Key {
				err = s.Err
			} else if s.Err != nil {
				t.Errorf("query %q failed because of its neighbour: %v", s.Key, s.Err)
			}
		}
		if len(got) != len(req.Queries) {
			t.Errorf("%d of %d queries came back; a failed one comes back with its error", len(got), len(req.Queries))
		}
	} else if len(f.Others) > 0 {
		t.Errorf("one query's trouble failed the whole request: %v", err)
	}
	switch {
	case err == nil:
		t.Errorf("no error: a source that cannot answer says so, it does not answer with nothing")
	case fault.KindOf(err) != f.Kind:
		t.Errorf("kind %v, want %v: hosts choose exit codes and retries by kind (error: %v)", fault.KindOf(err), f.Kind, err)
	case fault.HintOf(err) == "":
		t.Errorf("no hint: an error says what to do about it (error: %v)", err)
	}
}

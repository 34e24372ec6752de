// Package memory is a metrics source held in memory: what tests measure, and
// the simplest full implementation of the port.
package memory

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"sync"

	"gitlab.com/nines-sre/nines/internal/fault"
	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Source holds series by name. The zero value is not usable; call [New]. It is
// safe for concurrent use.
type Source struct {
	caps metric.Caps

	mu     sync.Mutex
	series map[string]*series
	fail   func(metric.Request) error
	asked  []metric.Request
}

// series is what is known of one name.
type series struct {
	exists bool           // it was put, not only hidden
	points []metric.Point // ascending, disjoint
	holes  []slo.Span     // not answered
}

// New returns an empty source that describes itself with caps. A Period of 0
// becomes 1.
func New(caps metric.Caps) *Source {
	caps.Period = max(caps.Period, 1)
	return &Source{caps: caps, series: map[string]*series{}}
}

// Type returns the kind of source that opens src whatever is asked for. Its
// specs name a series: {series: NAME}.
func Type(src *Source) metric.Type {
	return metric.Type{
		Name:  "memory",
		Check: check,
		Open: func(context.Context, slo.Spec, string) (metric.Source, error) {
			return src, nil
		},
	}
}

// Spec returns the spec that names a series.
func Spec(name string) slo.Spec { return slo.Spec{"series": name} }

func check(spec slo.Spec) []metric.SpecProblem {
	if name, ok := spec["series"].(string); !ok || name == "" {
		return []metric.SpecProblem{{Path: "series", Message: "series is missing", Hint: "name the series: {series: requests}"}}
	}
	return nil
}

// Put adds points to a series; a point replaces every one it overlaps. A width
// of 0 becomes 1. Putting no points makes the series exist, empty.
func (s *Source) Put(name string, points ...metric.Point) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.of(name)
	d.exists = true
	for _, p := range points {
		p.Width = max(p.Width, 1)
		d.put(p)
	}
}

// Line adds one point a width from at on.
func (s *Source) Line(name string, at, width slo.Minute, values ...slo.Amount) {
	points := make([]metric.Point, len(values))
	for i, v := range values {
		points[i] = metric.Point{At: at + slo.Minute(i)*width, Width: width, Value: v}
	}
	s.Put(name, points...)
}

// Drop removes the points that begin in a span: they become silence.
func (s *Source) Drop(name string, span slo.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.of(name)
	d.points = slices.DeleteFunc(d.points, func(p metric.Point) bool { return span.Contains(p.At) })
}

// Hide makes a stretch of a series unanswered, as a partial answer does; Show
// answers everything again.
func (s *Source) Hide(name string, span slo.Span) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.of(name)
	d.holes = metric.Merge(append(d.holes, span))
}

// Show ends every [Source.Hide] of a series.
func (s *Source) Show(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(name).holes = nil
}

// Fail makes every Fetch call f first and fail with the error it returns; nil
// ends it.
func (s *Source) Fail(f func(metric.Request) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fail = f
}

// Asked returns the requests fetched so far, in order.
func (s *Source) Asked() []metric.Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.asked)
}

// Caps implements [metric.Source].
func (s *Source) Caps() metric.Caps { return s.caps }

// Fetch implements [metric.Source]. A known series is answered for the whole
// span but its hidden stretches; an unknown one too, and does not exist.
func (s *Source) Fetch(ctx context.Context, req metric.Request) ([]metric.Series, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Canceled, "fetch", err, "")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, req)
	if s.fail != nil {
		if err := s.fail(req); err != nil {
			return nil, err
		}
	}
	out := make([]metric.Series, 0, len(req.Queries))
	for _, q := range req.Queries {
		out = append(out, s.answer(q, req.Span))
	}
	return out, nil
}

func (s *Source) answer(q metric.Query, span slo.Span) metric.Series {
	out := metric.Series{Key: q.Key}
	if probs := check(q.Spec); len(probs) > 0 {
		out.Err = fault.New(fault.Invalid, "query "+q.Key, probs[0].Message, probs[0].Hint)
		return out
	}
	name := fmt.Sprint(q.Spec["series"])
	d := s.series[name]
	if d == nil {
		d = &series{}
	}
	// A series that was put exists, even without a point: a test says what it
	// means.
	out.Exists = d.exists
	out.Points, span = d.in(span)
	holes := slices.Clone(d.holes)
	out.Points = slices.DeleteFunc(out.Points, func(p metric.Point) bool {
		step := slo.Span{From: p.At, To: p.At + p.Width}
		hidden := len(metric.Clip(d.holes, step)) > 0
		if hidden { // a step is answered as a whole or not at all
			holes = append(holes, step)
		}
		return hidden
	})
	out.Answered = metric.Subtract([]slo.Span{span}, holes)
	return out
}

func (s *Source) of(name string) *series {
	d := s.series[name]
	if d == nil {
		d = &series{}
		s.series[name] = d
	}
	return d
}

// put inserts p in place of what it overlaps.
func (d *series) put(p metric.Point) {
	lo := sort.Search(len(d.points), func(i int) bool { return d.points[i].At+d.points[i].Width > p.At })
	hi := sort.Search(len(d.points), func(i int) bool { return d.points[i].At >= p.At+p.Width })
	d.points = slices.Replace(d.points, lo, max(lo, hi), p)
}

// in returns the points that begin in span, and the span made of whole steps:
// without the rest of a step that began before it, with the whole of the last.
func (d *series) in(span slo.Span) ([]metric.Point, slo.Span) {
	if span.Empty() {
		return nil, span
	}
	lo := sort.Search(len(d.points), func(i int) bool { return d.points[i].At >= span.From })
	hi := sort.Search(len(d.points), func(i int) bool { return d.points[i].At >= span.To })
	if lo > 0 {
		span.From = max(span.From, d.points[lo-1].At+d.points[lo-1].Width)
	}
	if hi > 0 && !span.Empty() {
		span.To = max(span.To, d.points[hi-1].At+d.points[hi-1].Width)
	}
	return slices.Clone(d.points[lo:hi]), span
}

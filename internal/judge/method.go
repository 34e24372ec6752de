package judge

import (
	"math"
	"slices"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// outcome is what a method says about one metric by itself. How much evidence
// fails it depends on the other metrics, which [settle] knows.
type outcome struct {
	Finding
	// track is the evidence of harm, for methods that have such: it fails the
	// metric where it is large enough. Of a method without, Verdict says so.
	track track
	byE   bool
	// mild says of a critical metric that its effect is too small to decide alone;
	// why is a sentence's end that explains more.
	mild bool
	why  string
}

// track is the evidence of harm at looks: where it was at least the least that
// can ever matter, and where it fell below that again.
type track []look

type look struct {
	at  slo.Minute
	log float64
}

// add notes the evidence at a look. What it never reaches costs nothing.
func (t *track) add(at slo.Minute, log, floor float64) {
	if log < floor {
		if n := len(*t); n == 0 || math.IsInf((*t)[n-1].log, -1) {
			return
		}
		log = math.Inf(-1)
	}
	*t = append(*t, look{at, log})
}

// method judges one metric. The policy is complete, the metric is sound.
type method func(m *Metric, p *Policy) outcome

// method returns how a method judges; nil for one that is not known. A method is
// one line here: its numbers live in a folder of their own.
func (m Method) method() method {
	switch m {
	case EProcess:
		return byEvidence
	case Threshold:
		return byLimit
	case MannWhitney:
		return byRanks
	}
	return nil
}

func (m Method) check() error {
	if m.method() != nil {
		return nil
	}
	return invalid("method %q: it is one of %v", m, slices.DeleteFunc(Methods(), func(m Method) bool { return m.method() == nil }))
}

// judged is what is found about a metric by itself: unsound samples and methods
// that do not fit are findings too, and never good ones.
func judged(m *Metric, p *Policy) outcome {
	name := m.Method
	if name == "" {
		name = p.Method
	}
	out := outcome{Finding: Finding{
		Metric: m.Name, Group: m.Group, Method: name, Critical: m.Critical, Muted: m.Muted, Minutes: len(m.Samples),
	}}
	err := name.check()
	if err == nil {
		err = m.check()
	}
	if err == nil && p.Bursts && p.margin(m).Ratio > 0 {
		err = errBursts()
	}
	if err != nil {
		out.Class, out.Text = ClassError, "It cannot be judged: "+err.Error()+"."
		return out
	}
	got := name.method()(m, p)
	got.Metric, got.Group, got.Method, got.Critical, got.Muted = m.Name, m.Group, name, m.Critical && !got.mild, m.Muted
	got.Minutes = len(m.Samples)
	return got
}

// nodata is the outcome of a metric of which nothing was counted.
func nodata(text string) outcome {
	return outcome{Finding: Finding{Class: ClassNodata, Verdict: decision.Inconclusive, Text: text}}
}

// most is what one minute can count; sums of a year stay far below an int64.
const most = 1 << 40

// check says what is wrong with a metric, nil for nothing.
func (m *Metric) check() error {
	if m.Margin != nil {
		if err := m.Margin.check("margin"); err != nil {
			return err
		}
	}
	if m.Limit != nil {
		if err := m.Limit.check(); err != nil {
			return err
		}
	}
	if !slices.Contains([]Direction{Increase, Decrease, Either}, m.Worse) {
		return invalid("worse %q: it is decrease or either, or left out for increase", m.Worse)
	}
	for i, e := range m.Edges {
		if !finite(e) || i > 0 && e <= m.Edges[i-1] {
			return invalid("the edges of buckets do not ascend at %v", e)
		}
	}
	return m.checkSamples()
}

func (m *Metric) checkSamples() error {
	for i := range m.Samples {
		s := &m.Samples[i]
		if i > 0 && s.At <= m.Samples[i-1].At {
			return invalid("minutes do not ascend at %s", clock(s.At))
		}
		for _, a := range []*Arm{&s.Baseline, &s.Canary} {
			if err := a.check(len(m.Edges)); err != nil {
				return invalid("minute %s: %v", clock(s.At), err)
			}
		}
	}
	return nil
}

func (a *Arm) check(edges int) error {
	switch {
	case a.Bad < 0 || a.Total < a.Bad || a.Total > most:
		return invalid("%d bad of %d requests cannot be", a.Bad, a.Total)
	case a.Value != nil && !finite(*a.Value):
		return invalid("value %v is no number", *a.Value)
	case a.Buckets != nil && len(a.Buckets) != edges+1:
		return invalid("%d buckets for %d edges; it is one more than edges", len(a.Buckets), edges)
	}
	for _, n := range a.Buckets {
		if n < 0 || n > most {
			return invalid("%d requests in a bucket cannot be", n)
		}
	}
	return nil
}

func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func clock(m slo.Minute) string { return m.Time().Format("2006-01-02 15:04") }

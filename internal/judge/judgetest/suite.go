// Package judgetest holds what every method of judging has to keep, whatever its
// mathematics are: how often it fails a good canary, how often it finds a bad one,
// that neither order nor units matter, that a worse canary is never judged better,
// and that too few requests pass nothing.
package judgetest

import (
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
)

// Judge is what is tested.
type Judge func(judge.Request) judge.Result

// Claims are what a method says of itself.
type Claims struct {
	Policy judge.Policy
	// Values has it judge values rather than counts.
	Values bool
	// Nulls are worlds in which it has to leave the canary alone; Alpha is how often
	// it may not, over all looks.
	Nulls []World
	Alpha float64
	// Found are worlds that it has to fail, with the least share of runs.
	Found []Found
	// Passes are worlds that it has to pass, likewise.
	Passes []Found
	// Few is a number of good requests a version, or of points, with which it must
	// not pass yet.
	Few int64
	// Runs of each world. 0: 100.
	Runs int
}

// Found is a world and how often it is to be found out.
type Found struct {
	World World
	// Moved and Spread are for values.
	Moved, Spread float64
	Share         float64
}

// Run holds a judge against what it claims.
func Run(t *testing.T, j Judge, c Claims) {
	if c.Runs == 0 {
		c.Runs = 100
	}
	t.Run("false alarms", func(t *testing.T) { c.alarms(t, j) })
	t.Run("power", func(t *testing.T) { c.power(t, j) })
	t.Run("order and units", func(t *testing.T) { c.order(t, j) })
	t.Run("worse is never better", func(t *testing.T) { c.worse(t, j) })
	t.Run("too few", func(t *testing.T) { c.few(t, j) })
	t.Run("changes nothing", func(t *testing.T) { c.pure(t, j) })
}

// request asks about one metric.
func (c Claims) request(samples []judge.Sample) judge.Request {
	return Request(c.Policy, samples)
}

// Request asks about metrics with these samples.
func Request(p judge.Policy, metrics ...[]judge.Sample) judge.Request {
	r := judge.Request{Subject: "payment-api", Policy: p, From: start}
	for i, s := range metrics {
		r.Metrics = append(r.Metrics, judge.Metric{Name: string(rune('a' + i)), Samples: s})
		if n := len(s); n > 0 {
			r.To = max(r.To, s[n-1].At+1)
		}
	}
	return r
}

// Count runs what is drawn and counts a verdict.
func (c Claims) Count(j Judge, verdict decision.Verdict, draw func(*rand.Rand) []judge.Sample) Share {
	rng := rand.New(rand.NewPCG(7, uint64(c.Runs)))
	s := Share{Of: int64(c.Runs)}
	for range c.Runs {
		if j(c.request(draw(rng))).Verdict == verdict {
			s.N++
		}
	}
	return s
}

// alarms fails a method whose rate of false alarms is above what it may be, beyond
// what chance explains.
func (c Claims) alarms(t *testing.T, j Judge) {
	worlds := c.Nulls
	if c.Values {
		worlds = []World{{Name: "values"}}
	}
	for _, w := range worlds {
		draw := w.Counts
		if c.Values {
			draw = func(rng *rand.Rand) []judge.Sample { return Values(rng, 60, 0, 1) }
		}
		s := c.Count(j, decision.Fail, draw)
		if low, _ := s.Interval(0.99); low > c.Alpha {
			t.Errorf("%s: %d of %d good canaries fail, the rate is above %v; at most %v is allowed", w.Name, s.N, s.Of, low, c.Alpha)
		}
	}
}

func (c Claims) power(t *testing.T, j Judge) {
	for _, want := range []struct {
		verdict decision.Verdict
		worlds  []Found
	}{{decision.Fail, c.Found}, {decision.Pass, c.Passes}} {
		for _, f := range want.worlds {
			draw := f.World.Counts
			if c.Values {
				draw = func(rng *rand.Rand) []judge.Sample { return Values(rng, 60, f.Moved, f.Spread) }
			}
			s := c.Count(j, want.verdict, draw)
			if _, high := s.Interval(0.99); high < f.Share {
				t.Errorf("%s: %v in %d of %d runs, a rate below %v; at least %v is claimed", f.World.Name, want.verdict, s.N, s.Of, high, f.Share)
			}
		}
	}
}

// order judges two metrics both ways round, and values in another unit.
func (c Claims) order(t *testing.T, j Judge) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := c.draw(t), c.draw(t)
		r := Request(c.Policy, a, b)
		forward := j(r)
		slices.Reverse(r.Metrics)
		backward := j(r)
		if forward.Verdict != backward.Verdict || !reflect.DeepEqual(forward.Score, backward.Score) {
			t.Fatalf("another order of metrics, another verdict: %v %v, %v %v",
				forward.Verdict, deref(forward.Score), backward.Verdict, deref(backward.Score))
		}
		for _, f := range forward.Findings {
			at := slices.IndexFunc(backward.Findings, func(g judge.Finding) bool { return g.Metric == f.Metric })
			if at < 0 || backward.Findings[at].Class != f.Class {
				t.Fatalf("metric %s is %s; with the metrics the other way round: %+v", f.Metric, f.Class, backward.Findings)
			}
		}
		// A power of two, so that nothing is rounded.
		if scaled := j(Request(c.Policy, scale(a, 1.0/1024), scale(b, 1024))); scaled.Verdict != forward.Verdict {
			t.Fatalf("another unit, another verdict: %v, %v", forward.Verdict, scaled.Verdict)
		}
	})
}

func deref(p *float64) any {
	if p == nil {
		return nil
	}
	return *p
}

// scale returns the samples with values in another unit.
func scale(samples []judge.Sample, by float64) []judge.Sample {
	out := slices.Clone(samples)
	for i := range out {
		for _, a := range []*judge.Arm{&out[i].Baseline, &out[i].Canary} {
			if a.Value != nil {
				v := *a.Value * by
				a.Value = &v
			}
		}
	}
	return out
}

// draw makes samples that are a little of everything.
func (c Claims) draw(t *rapid.T) []judge.Sample {
	seed := rapid.Uint64().Draw(t, "seed")
	rng := rand.New(rand.NewPCG(seed, 1))
	if c.Values {
		return Values(rng, rapid.IntRange(0, 90).Draw(t, "minutes"), rapid.Float64Range(-20, 20).Draw(t, "moved"), rapid.Float64Range(0.5, 3).Draw(t, "spread"))
	}
	rate := rapid.SampledFrom([]float64{0, 0.001, 0.01, 0.2}).Draw(t, "rate")
	w := Steady("", rapid.IntRange(0, 90).Draw(t, "minutes"), Traffic{
		Baseline: rapid.Int64Range(0, 300).Draw(t, "baseline"), Canary: rapid.Int64Range(0, 100).Draw(t, "canary"),
		BaselineRate: rate, CanaryRate: min(1, rate*rapid.Float64Range(0, 8).Draw(t, "times")),
	})
	return w.Counts(rng)
}

// worse makes the canary of some minutes worse.
func (c Claims) worse(t *testing.T, j Judge) {
	rapid.Check(t, func(t *rapid.T) {
		samples := c.draw(t)
		before := j(c.request(samples))
		after := slices.Clone(samples)
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "where"), 2))
		often := rapid.Float64Range(0, 1).Draw(t, "often")
		by := rapid.Float64Range(0, 50).Draw(t, "by")
		for i := range after {
			a := &after[i].Canary
			if rng.Float64() >= often {
				continue
			}
			if a.Value != nil {
				v := *a.Value + by*rng.Float64()
				a.Value = &v
			}
			a.Bad = min(a.Total, a.Bad+rng.Int64N(1+int64(by)))
		}
		if got := j(c.request(after)); before.Verdict.WorseThan(got.Verdict) {
			t.Fatalf("a worse canary is %v, a better one %v\n%+v\n%+v", got.Verdict, before.Verdict, got.Findings, before.Findings)
		}
	})
}

// few judges a canary that did nothing wrong, and hardly anything.
func (c Claims) few(t *testing.T, j Judge) {
	if got := j(Request(c.Policy)); got.Verdict == decision.Pass {
		t.Errorf("no metrics: %v", got.Verdict)
	}
	if got := j(c.request(nil)); got.Verdict == decision.Pass {
		t.Errorf("no minutes: %v", got.Verdict)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	for n := range c.Few + 1 {
		samples := Steady("", 1, Traffic{Baseline: n, Canary: n}).Counts(rng)
		if c.Values {
			samples = Values(rng, int(n), -50, 0)
		}
		if got := j(c.request(samples)); got.Verdict == decision.Pass {
			t.Errorf("%d requests or points: %v, %+v", n, got.Verdict, got.Findings)
		}
		// The canary alone is not enough either.
		for i := range samples {
			samples[i].Baseline = judge.Arm{}
			samples[i].Canary.Total *= 1000
		}
		if got := j(c.request(samples)); got.Verdict == decision.Pass && c.Policy.Method != judge.Threshold {
			t.Errorf("nothing beside it: %v", got.Verdict)
		}
	}
}

// pure judges twice, and looks whether the question is the same after.
func (c Claims) pure(t *testing.T, j Judge) {
	rapid.Check(t, func(t *rapid.T) {
		samples := c.draw(t)
		r := c.request(slices.Clone(samples))
		first, second := j(r), j(r)
		if !reflect.DeepEqual(first, second) {
			t.Fatalf("the same question has two answers:\n%+v\n%+v", first, second)
		}
		if !reflect.DeepEqual(r, c.request(samples)) {
			t.Fatal("judging changed the question")
		}
	})
}

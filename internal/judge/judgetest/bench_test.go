package judgetest_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gitlab.com/nines-sre/nines/internal/decision"
	"gitlab.com/nines-sre/nines/internal/judge"
	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
	"gitlab.com/nines-sre/nines/internal/judge/judgetest"
	"gitlab.com/nines-sre/nines/internal/judge/mannwhitney"
)

// runs of every cell.
const (
	runsNull  = 4000
	runsPower = 2000
)

// alpha of every test, and what evidence it asks for.
const alpha = 0.05

func enough() float64 { return math.Log(1 / alpha) }

// test is one way to look at two versions minute by minute.
type test interface {
	Add(nb, xb, nc, xc int64)
	Log() float64
}

// seed is another one for every cell, and the same in every run.
func seed(name string) *rand.Rand {
	h := uint64(14695981039346656037)
	for _, c := range []byte(name) {
		h = (h ^ uint64(c)) * 1099511628211
	}
	return rand.New(rand.NewPCG(h, 9))
}

// alarm runs a world until the test has enough evidence, and returns after how
// many minutes that was; 0: never.
func alarm(w judgetest.World, rng *rand.Rand, t test) int {
	for m := range w.Minutes {
		tr := w.At(m, rng)
		t.Add(tr.Baseline, judgetest.Binomial(rng, tr.Baseline, tr.BaselineRate), tr.Canary, judgetest.Binomial(rng, tr.Canary, tr.CanaryRate))
		if t.Log() >= enough() {
			return m + 1
		}
	}
	return 0
}

// zTest is what is usually done: is the difference beyond the margin significant,
// one-sided? Looked at each minute, or at the end.
type zTest struct {
	margin         float64
	pooled         bool // the variance of both together, as without a margin
	nb, xb, nc, xc float64
	last           int
}

func (z *zTest) Add(nb, xb, nc, xc int64) {
	z.nb, z.xb, z.nc, z.xc = z.nb+float64(nb), z.xb+float64(xb), z.nc+float64(nc), z.xc+float64(xc)
	z.last--
}

func (z *zTest) Log() float64 {
	pb, pc := z.xb/z.nb, z.xc/z.nc
	v := pb*(1-pb)/z.nb + pc*(1-pc)/z.nc
	if p := (z.xb + z.xc) / (z.nb + z.nc); z.pooled {
		v = p * (1 - p) * (1/z.nb + 1/z.nc)
	}
	if z.last <= 0 && v > 0 && (pc-pb-z.margin)/math.Sqrt(v) > 1.6448536269514722 {
		return math.Inf(1)
	}
	return 0
}

// figures are what a cell measures, by unit.
type figures map[string]float64

// share adds a share in per cent, and what holds it with 95 %.
func (f figures) share(name string, s judgetest.Share) (high float64) {
	low, high := s.Interval(0.95)
	f[name+"_%"], f["from_%"], f["to_%"] = 100*s.Rate(), 100*low, 100*high
	return high
}

// cell runs something once, however often the benchmark wants it: what it measures
// is not time.
func cell(b *testing.B, name string, run func(tb testing.TB, f figures)) {
	b.Helper()
	f := figures{}
	b.Run(name, func(b *testing.B) {
		if len(f) == 0 {
			run(b, f)
		}
		for unit, v := range f {
			b.ReportMetric(v, unit)
		}
		b.ReportMetric(0, "ns/op")
	})
}

// null is a world in which a canary is as bad as it may be, and no worse.
type null struct {
	name          string
	traffic       judgetest.Traffic
	margin, prior float64
	shocks        bool // both versions are hit now and then, twenty times as hard
	times         bool // the canary's rate is twice the baseline's in shocks, too
	drift         bool // rates move up to four times as high, weights from half to a twentieth
}

// world over a hundred minutes.
func (n null) world() judgetest.World {
	return judgetest.World{Name: n.name, Minutes: 100, At: func(minute int, rng *rand.Rand) judgetest.Traffic {
		t := n.traffic
		if n.drift {
			t.BaselineRate *= math.Exp2(1 - math.Cos(float64(minute)/8))
			t.CanaryRate = t.BaselineRate + n.margin
			t.Canary -= int64(minute / 10 * 10)
			t.Baseline += int64(minute / 10 * 10)
		}
		if n.shocks && rng.Float64() < 0.2 {
			t.BaselineRate *= 20
			if t.CanaryRate = t.BaselineRate + n.margin; n.times {
				t.CanaryRate = 2 * t.BaselineRate
			}
		}
		return t
	}}
}

// Good canaries at the edge of what is allowed, judged each minute for 100 minutes
// at alpha 5 %: how many fail? Beside the usual test, each minute and at the end.
func BenchmarkFalseAlarms(b *testing.B) {
	even := func(pb, pc float64) judgetest.Traffic {
		return judgetest.Traffic{Baseline: 100, Canary: 100, BaselineRate: pb, CanaryRate: pc}
	}
	split := judgetest.Traffic{Baseline: 190, Canary: 10, BaselineRate: 0.001, CanaryRate: 0.002}
	for _, n := range []null{
		{name: "edge-0.1-0.2", traffic: even(0.001, 0.002), margin: 0.001, prior: 0.001},
		{name: "edge-1-2", traffic: even(0.01, 0.02), margin: 0.01, prior: 0.01},
		{name: "equal-1.4", traffic: even(0.014, 0.014), prior: 0.01},
		{name: "split-5-95", traffic: split, margin: 0.001, prior: 0.001},
		{name: "edge-drift-weights", traffic: even(0.001, 0.002), margin: 0.001, prior: 0.001, drift: true},
		{name: "prior-10x-off", traffic: even(0.001, 0.002), margin: 0.001, prior: 0.01},
		{name: "shocks-added", traffic: even(0.001, 0.002), margin: 0.001, prior: 0.001, shocks: true},
		{name: "shocks-ratio", traffic: even(0.001, 0.002), margin: 0.001, prior: 0.001, shocks: true, times: true},
	} {
		w := n.world()
		for _, m := range []struct {
			name   string
			holds  bool // the null is one of this test's
			newOne func() test
		}{
			{"margin", !n.times, func() test { return eprocess.NewMargin(eprocess.Options{Margin: n.margin, Prior: n.prior}) }},
			{"ratio", n.times || !n.shocks, func() test { return eprocess.NewRatio(2) }},
			{"z-each-minute", false, func() test { return &zTest{margin: n.margin} }},
			{"z-at-the-end", false, func() test { return &zTest{margin: n.margin, last: w.Minutes} }},
		} {
			cell(b, n.name+"/"+m.name, func(tb testing.TB, f figures) {
				rng := seed(n.name)
				s := judgetest.Share{Of: runsNull}
				for range runsNull {
					if alarm(w, rng, m.newOne()) > 0 {
						s.N++
					}
				}
				if high := f.share("fail", s); m.holds && high > alpha {
					tb.Errorf("%d of %d good canaries fail: that may be %v, more than %v", s.N, s.Of, high, alpha)
				}
			})
		}
	}
}

// The usual test without a margin, looked at each minute of an hour.
func BenchmarkPeeking(b *testing.B) {
	w := judgetest.Shifted("peeking", 0.05, 0.05)
	for name, newOne := range map[string]func() test{
		"z-each-minute": func() test { return &zTest{pooled: true} },
		"no-margin":     func() test { return eprocess.NewPlain() },
	} {
		cell(b, name, func(tb testing.TB, f figures) {
			rng := seed("peeking")
			s := judgetest.Share{Of: runsNull}
			for range runsNull {
				if alarm(w, rng, newOne()) > 0 {
					s.N++
				}
			}
			f.share("fail", s)
		})
	}
}

// fixed is how many requests an arm a test of a fixed size takes that knows the
// canary's rate beforehand: one-sided 5 %, power 80 %.
func fixed(pb, pc, margin float64) float64 {
	const z = 1.6448536269514722 + 0.8416212335729143
	d := pc - pb - margin
	return math.Ceil(z * z * (pb*(1-pb) + pc*(1-pc)) / (d * d))
}

// Bad canaries beside a baseline of 0.1 % where 0.1 points are allowed, 100
// requests an arm and minute, at most 10,000: after how many requests an arm does
// it fail, on average?
func BenchmarkDetection(b *testing.B) {
	const base, margin, each = 0.001, 0.001, 100
	for _, c := range []struct {
		name string
		rate float64
		bar  bool
	}{{"0.5%", 0.005, false}, {"1%", 0.01, true}, {"2%", 0.02, true}, {"5%", 0.05, true}, {"20%", 0.2, false}} {
		traffic := judgetest.Traffic{Baseline: each, Canary: each, BaselineRate: base, CanaryRate: c.rate}
		w := judgetest.Steady(c.name, 100, traffic)
		for _, m := range []struct {
			name string
			bar  bool
			run  func(rng *rand.Rand) int
		}{
			{"margin", true, func(rng *rand.Rand) int {
				return alarm(w, rng, eprocess.NewMargin(eprocess.Options{Margin: margin, Prior: base}))
			}},
			{"ratio", false, func(rng *rand.Rand) int { return alarm(w, rng, eprocess.NewRatio(2)) }},
			{"judge", true, func(rng *rand.Rand) int { return judged(w, rng, judge.Policy{Margin: judge.Margin{Add: margin}}) }},
		} {
			cell(b, c.name+"/"+m.name, func(tb testing.TB, f figures) {
				rng := seed(c.name)
				s := judgetest.Share{Of: runsPower}
				var sum, squares float64
				for range runsPower {
					n := w.Minutes
					if at := m.run(rng); at > 0 {
						s.N++
						n = at
					}
					sum += float64(n * each)
					squares += float64(n*each) * float64(n*each)
				}
				mean := sum / runsPower
				wide := 1.96 * math.Sqrt((squares/runsPower-mean*mean)/runsPower)
				known := fixed(base, c.rate, margin)
				f.share("found", s)
				f["requests/arm"] = mean
				f["+-requests"] = wide
				f["fixed/arm"] = known
				f["times"] = mean / known
				if m.bar && c.bar && (mean+wide)/known > 1.4 {
					tb.Errorf("%v requests an arm, %v times those of a test that knew the answer", mean, mean/known)
				}
			})
		}
	}
}

// judged returns after how many minutes the judge fails a canary; 0: never.
func judged(w judgetest.World, rng *rand.Rand, p judge.Policy) int {
	samples := w.Counts(rng)
	got := judge.Judge(judgetest.Request(p, samples))
	if got.Verdict != decision.Fail {
		return 0
	}
	return int(got.Findings[0].Decided-samples[0].At) + 1
}

// Beside Kayenta's judge, which looks once, after an hour: 180 and 20 requests a
// minute, 1 % of the baseline's bad.
func BenchmarkBesideKayenta(b *testing.B) {
	for _, c := range []struct {
		name string
		rate float64
	}{{"1%", 0.01}, {"2%", 0.02}, {"3%", 0.03}, {"5%", 0.05}, {"10%", 0.1}} {
		w := judgetest.Shifted(c.name, 0.01, c.rate)
		for _, m := range []struct {
			name string
			run  func(rng *rand.Rand) int
		}{
			{"no-margin", func(rng *rand.Rand) int { return alarm(w, rng, eprocess.NewPlain()) }},
			{"judge", func(rng *rand.Rand) int { return judged(w, rng, judge.Policy{}) }},
			{"mannwhitney", func(rng *rand.Rand) int { return judged(w, rng, judge.Policy{Method: judge.MannWhitney}) }},
			{"kayenta", func(rng *rand.Rand) int { return kayenta(w.Counts(rng)) }},
		} {
			cell(b, c.name+"/"+m.name, func(tb testing.TB, f figures) {
				rng := seed(c.name)
				s := judgetest.Share{Of: runsPower}
				var at []int
				for range runsPower {
					if n := m.run(rng); n > 0 {
						s.N++
						at = append(at, n)
					}
				}
				f.share("fail", s)
				if slices.Sort(at); len(at) > 0 {
					f["minutes-p50"] = float64(at[len(at)/2])
				}
			})
		}
	}
}

// kayenta looks at the rates of all minutes; its answer comes after the last.
func kayenta(samples []judge.Sample) int {
	var x, y []float64
	for i := range samples {
		c, k := &samples[i].Canary, &samples[i].Baseline
		x, y = append(x, float64(c.Bad)/float64(c.Total)), append(y, float64(k.Bad)/float64(k.Total))
	}
	if mannwhitney.Classify(x, y, mannwhitney.Options{Compatible: true, Direction: mannwhitney.Increase}).Class == mannwhitney.High {
		return len(samples)
	}
	return 0
}

// A metric over a day, minute by minute, all looks at once.
func BenchmarkRanksOfADay(b *testing.B) {
	rng := seed("day")
	w := judgetest.Shifted("day", 0.01, 0.01)
	w.Minutes = 1440
	p := judge.Policy{Method: judge.MannWhitney}
	compatible := judge.Policy{Method: judge.MannWhitney, Kayenta: &judge.Kayenta{Compatible: true}}
	for _, c := range []struct {
		name string
		r    judge.Request
	}{
		{"counts", judgetest.Request(p, w.Counts(rng))},
		{"values", judgetest.Request(p, judgetest.Values(rng, 1440, 0, 1))},
		{"compatible", judgetest.Request(compatible, judgetest.Values(rng, 1440, 0, 1))},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				judge.Judge(c.r)
			}
		})
	}
}

// The suite's worlds in full: every method fails good canaries at most as often as
// it says, over all looks.
func BenchmarkSuite(b *testing.B) {
	for _, m := range []struct {
		name string
		p    judge.Policy
		rate float64
	}{
		{"eprocess", judge.Policy{}, 0.01},
		{"eprocess-ratio", judge.Policy{Margin: judge.Margin{Ratio: 1.5}}, 0.01},
		{"mannwhitney", judge.Policy{Method: judge.MannWhitney}, 0.01},
		{"threshold", judge.Policy{Method: judge.Threshold, Limit: &judge.Limit{Good: 0.99}}, 0.01},
	} {
		c := judgetest.Claims{Policy: m.p, Alpha: alpha, Runs: runsPower}
		for _, w := range judgetest.Nulls(m.rate) {
			if m.p.Method == judge.Threshold && w.Name != "steady" && w.Name != "5 to 95" && w.Name != "sparse traffic" {
				continue // the rate goes above the limit there
			}
			cell(b, m.name+"/"+w.Name, func(tb testing.TB, f figures) { suite(tb, f, c, w.Counts) })
		}
	}
	for _, m := range []judge.Method{judge.EProcess, judge.MannWhitney} {
		c := judgetest.Claims{Policy: judge.Policy{Method: m}, Alpha: alpha, Runs: runsPower}
		cell(b, string(m)+"/values", func(tb testing.TB, f figures) {
			suite(tb, f, c, func(rng *rand.Rand) []judge.Sample { return judgetest.Values(rng, 60, 0, 1) })
		})
	}
}

func suite(tb testing.TB, f figures, c judgetest.Claims, draw func(*rand.Rand) []judge.Sample) {
	tb.Helper()
	s := c.Count(judge.Judge, decision.Fail, draw)
	if high := f.share("fail", s); high > c.Alpha {
		tb.Errorf("%d of %d good canaries fail: that may be %v, more than %v", s.N, s.Of, high, c.Alpha)
	}
}

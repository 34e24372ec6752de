package eprocess_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// minute is baseline requests and bad ones, then the canary's.
type minute struct{ nb, xb, nc, xc int64 }

func drawMinute(t *rapid.T) minute {
	nb, nc := rapid.Int64Range(0, 400).Draw(t, "nb"), rapid.Int64Range(0, 200).Draw(t, "nc")
	return minute{nb, rapid.Int64Range(0, nb).Draw(t, "xb"), nc, rapid.Int64Range(0, nc).Draw(t, "xc")}
}

func drawMinutes(t *rapid.T) []minute {
	return rapid.SliceOfN(rapid.Custom(drawMinute), 1, 20).Draw(t, "minutes")
}

// bisect is the projection as it is written down: the root by 100 halvings, of
// the derivative as it stands.
func bisect(nb, pb, nc, pc, gap float64) float64 {
	lo, hi := max(min(pc, pb+gap), gap), max(pc, pb+gap)
	for range 100 {
		s := (lo + hi) / 2
		b := s - gap
		if nc*(s-pc)/(s*(1-s))+nb*(b-pb)/(b*(1-b)) > 0 {
			hi = s
		} else {
			lo = s
		}
	}
	return (lo + hi) / 2
}

func TestProjectionIsTheRoot(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Map(rapid.Float64Range(-13, -.05), math.Exp)
		nb, nc := rapid.Float64Range(1, 1e6).Draw(t, "nb"), rapid.Float64Range(1, 1e6).Draw(t, "nc")
		pb, pc := rate.Draw(t, "pb"), rate.Draw(t, "pc")
		gap := rapid.OneOf(rapid.Just(0.), rapid.Map(rapid.Float64Range(-9, -1), math.Exp)).Draw(t, "gap")
		if pb+gap >= .999 || math.Abs(pb+gap-pc) < 1e-9 {
			t.Skip("on the line, or none")
		}
		got := eprocess.Hardest(eprocess.Arms{Nb: nb, Pb: pb, Nc: nc, Pc: pc}, gap).Pc
		if want := bisect(nb, pb, nc, pc, gap); math.Abs(got-want) > 1e-9 {
			t.Fatalf("%.15g, by halving %.15g", got, want)
		}
	})
}

// naive computes the test of a margin as it is written down.
func naive(ms []minute, margin, prior float64, mirror bool) float64 {
	var logs []float64
	bets := []float64{.5, 1, 2, 4, 8, 16, 32, 64}
	if mirror {
		bets = []float64{0, .5, -1}
	}
	for _, g := range bets {
		log, n, x := 0.0, 0.0, 0.0
		for _, m := range ms {
			pb := (x + prior*2000) / (n + 2000)
			pc := min(pb+margin+g*max(margin, prior), .9)
			if mirror {
				if pc = pb + g*margin; g < 0 {
					pc = pb / 2
				}
			}
			if ok := pc > pb+margin || mirror && pb+margin < 1; ok && m.nb > 0 && m.nc > 0 {
				nb, xb, nc, xc := float64(m.nb), float64(m.xb), float64(m.nc), float64(m.xc)
				s := bisect(nb, pb, nc, pc, margin)
				b := s - margin
				log += xc*math.Log(pc/s) + (nc-xc)*math.Log((1-pc)/(1-s)) + xb*math.Log(pb/b) + (nb-xb)*math.Log((1-pb)/(1-b))
			}
			n, x = n+float64(m.nb), x+float64(m.xb)
		}
		logs = append(logs, log)
	}
	return eprocess.Mean(logs...)
}

func TestMarginIsAsWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := drawMinutes(t)
		o := eprocess.Options{
			Margin: rapid.SampledFrom([]float64{0, .001, .01, .1}).Draw(t, "margin"),
			Prior:  rapid.SampledFrom([]float64{.001, .01, .2}).Draw(t, "prior"),
		}
		up := eprocess.NewMargin(o)
		for _, m := range ms {
			up.Add(m.nb, m.xb, m.nc, m.xc)
		}
		// A bet that was given up is missing where harm is sure anyway.
		if want := naive(ms, o.Margin, o.Prior, false); math.Abs(up.Log()-want) > 1e-6*(1+math.Abs(want)) && !(up.Log() < want && up.Log() > 20) {
			t.Fatalf("harm %.9g, as written %.9g", up.Log(), want)
		}
		if o.Margin == 0 {
			return
		}
		down := eprocess.NewMirror(o)
		for _, m := range ms {
			down.Add(m.nb, m.xb, m.nc, m.xc)
		}
		if want := naive(ms, o.Margin, o.Prior, true); math.Abs(down.Log()-want) > 1e-6*(1+math.Abs(want)) {
			t.Fatalf("pass %.9g, as written %.9g", down.Log(), want)
		}
	})
}

// mean is the exact expectation of a minute's factor, over all outcomes.
func mean(nb, nc int64, pb, pc float64, factor func(xb, xc int64) float64) (sum float64) {
	for xb := range nb + 1 {
		for xc := range nc + 1 {
			sum += choose(nb, xb, pb) * choose(nc, xc, pc) * factor(xb, xc)
		}
	}
	return sum
}

func choose(n, k int64, p float64) float64 {
	a, _ := math.Lgamma(float64(n + 1))
	b, _ := math.Lgamma(float64(k + 1))
	c, _ := math.Lgamma(float64(n - k + 1))
	return math.Exp(a - b - c + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
}

// A factor has a mean of at most 1 under everything that is tested, whatever was
// counted before: that is all that the guarantee needs.
func TestMeanIsAtMostOne(t *testing.T) {
	t.Parallel()
	kinds := map[string]struct {
		create func() adder
		null   func(pb, far float64) float64 // the canary's rate: on the line, or beyond it
	}{
		"no margin": {
			func() adder { return eprocess.NewMargin(eprocess.Options{Prior: .01, Relative: true, Memory: 100}) },
			func(pb, far float64) float64 { return pb * (1 - far) },
		},
		"margin": {
			func() adder { return eprocess.NewMargin(eprocess.Options{Margin: .05, Prior: .01}) },
			func(pb, far float64) float64 { return (pb + .05) * (1 - far) },
		},
		"mirror": {
			func() adder { return eprocess.NewMirror(eprocess.Options{Margin: .1, Prior: .01}) },
			func(pb, far float64) float64 { return pb + .1 + far*(1-pb-.1) },
		},
		"plain":         {func() adder { return eprocess.NewPlain() }, func(pb, _ float64) float64 { return pb }},
		"minutes":       {func() adder { return eprocess.NewMinutes(.05) }, func(pb, far float64) float64 { return (pb + .05) * (1 - far) }},
		"minutes below": {func() adder { return eprocess.NewMinutesMirror(.1) }, func(pb, far float64) float64 { return pb + .1 + far*(1-pb-.1) }},
	}
	rapid.Check(t, func(t *rapid.T) {
		ms := drawMinutes(t)
		name := rapid.SampledFrom([]string{"no margin", "margin", "mirror", "plain", "minutes", "minutes below"}).Draw(t, "kind")
		k := kinds[name]
		nb, nc := rapid.Int64Range(1, 12).Draw(t, "nb now"), rapid.Int64Range(1, 12).Draw(t, "nc now")
		pb := rapid.Float64Range(.001, .85).Draw(t, "rate")
		pc := min(k.null(pb, rapid.SampledFrom([]float64{0, .01, .5}).Draw(t, "far")), .999)
		after := func(xb, xc int64) float64 {
			p := k.create()
			for _, m := range ms {
				p.Add(m.nb, m.xb, m.nc, m.xc)
			}
			before := p.Log()
			p.Add(nb, xb, nc, xc)
			return math.Exp(p.Log() - before)
		}
		if got := mean(nb, nc, pb, pc, after); got > 1+1e-7 {
			t.Fatalf("%s: the mean is %.12g at %v and %v", name, got, pb, pc)
		}
	})
}

// More bad requests of the canary are never less evidence of harm, nor more for a
// pass.
func TestWorseIsNeverBetter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ms := drawMinutes(t)
		at := rapid.IntRange(0, len(ms)-1).Draw(t, "at")
		if ms[at].xc == ms[at].nc {
			t.Skip("all are bad")
		}
		margin := rapid.SampledFrom([]float64{0, .001, .05}).Draw(t, "margin")
		o := eprocess.Options{Margin: margin, Prior: .001, Relative: margin == 0}
		for name, create := range map[string]func() adder{
			"margin": func() adder { return eprocess.NewMargin(o) }, "ratio": func() adder { return eprocess.NewRatio(2) },
			"minutes": func() adder { return eprocess.NewMinutes(margin) },
			"mirror":  func() adder { return eprocess.NewMirror(o) }, "ratio below": func() adder { return eprocess.NewRatioMirror(2) },
			"minutes below": func() adder { return eprocess.NewMinutesMirror(margin) },
		} {
			a, b := create(), create()
			for i, m := range ms {
				a.Add(m.nb, m.xb, m.nc, m.xc)
				if i == at {
					m.xc++
				}
				b.Add(m.nb, m.xb, m.nc, m.xc)
			}
			better, slack := b.Log() < a.Log(), 1e-7*(1+math.Abs(a.Log()))
			if name == "mirror" || name == "ratio below" || name == "minutes below" {
				better = b.Log() > a.Log()
			}
			if better && math.Abs(a.Log()-b.Log()) > slack {
				t.Fatalf("%s: %v became %v with a bad request more in minute %d", name, a.Log(), b.Log(), at)
			}
		}
	})
}

func TestDispersion(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var d eprocess.Dispersion
		var n, x float64
		ms := rapid.SliceOfN(rapid.Custom(drawMinute), 10, 30).Draw(t, "minutes")
		used := 0.0
		for _, m := range ms {
			d.Add(m.nb, m.xb)
			n, x = n+float64(m.nb), x+float64(m.xb)
			if m.nb > 0 {
				used++
			}
		}
		got, ok := d.Value()
		if p := x / n; ok {
			want := 0.0
			for _, m := range ms {
				if m.nb > 0 {
					want += math.Pow(float64(m.xb)-float64(m.nb)*p, 2) / (float64(m.nb) * p * (1 - p))
				}
			}
			if want /= used - 1; math.Abs(got-want) > 1e-6*(1+want) {
				t.Fatalf("%v, as written %v", got, want)
			}
		} else if used >= 10 && x >= 10 && x < n {
			t.Fatal("not known")
		}
	})
}

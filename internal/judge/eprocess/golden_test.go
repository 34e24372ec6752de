package eprocess_test

import (
	"math"
	"testing"

	"gitlab.com/nines-sre/nines/internal/judge/eprocess"
)

// adder is a test that takes minutes.
type adder interface {
	Add(nb, xb, nc, xc int64)
	Log() float64
}

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if math.IsNaN(got) || math.Abs(got-want) > within {
		t.Errorf("%s is %.9g, not %.9g", what, got, want)
	}
}

// The published numbers of the test without a margin.
func TestPlainGolden(t *testing.T) {
	t.Parallel()
	type minute [4]int64
	for name, c := range map[string]struct {
		minutes []minute
		want    []float64
	}{
		"worse": {
			[]minute{{900, 9, 100, 1}, {900, 9, 100, 5}, {900, 9, 100, 5}, {900, 9, 100, 6}, {900, 9, 100, 4}},
			[]float64{0, 1.167064, 4.235615, 8.615985, 10.783647},
		},
		"alike": {
			[]minute{{900, 9, 100, 1}, {900, 9, 100, 1}, {900, 9, 100, 1}, {900, 9, 100, 1}, {900, 9, 100, 1}},
			[]float64{0, -0.058710, -0.076257, -0.084581, -0.089423},
		},
		"twice": {
			[]minute{{500, 5, 500, 5}, {500, 5, 500, 10}, {500, 5, 500, 10}, {500, 5, 500, 10}, {500, 5, 500, 10}, {500, 5, 500, 10}},
			[]float64{0, 0, 0.700535, 1.496415, 2.322689, 3.162392},
		},
	} {
		p := eprocess.NewPlain()
		for i, m := range c.minutes {
			p.Add(m[0], m[1], m[2], m[3])
			near(t, name, p.Log(), c.want[i], 1e-6)
		}
	}
}

// The first minutes of a steady canary of 1 % with a margin of a tenth of a point.
func TestMarginGolden(t *testing.T) {
	t.Parallel()
	m := eprocess.NewMargin(eprocess.Options{Margin: .001, Prior: .001})
	for _, want := range []float64{0.409603, 0.842945, 1.296624, 1.767364, 2.252218, 2.748657, 3.254584} {
		m.Add(100, 0, 100, 1)
		near(t, "evidence", m.Log(), want, 1e-6)
		if m.Log() > m.Bound() {
			t.Errorf("evidence %v is above its bound %v", m.Log(), m.Bound())
		}
	}
	m = eprocess.NewMargin(eprocess.Options{Margin: .001, Prior: .001})
	for _, want := range []float64{-0.080461, -0.158336, -0.233814} {
		m.Add(100, 0, 100, 0)
		near(t, "evidence of a clean canary", m.Log(), want, 1e-6)
	}
	h := eprocess.Hardest(eprocess.Arms{Nb: 100, Pb: .001, Nc: 100, Pc: .02}, .001)
	near(t, "projection of the canary", h.Pc, 0.010557089, 1e-9)
	near(t, "projection of the baseline", h.Pb, 0.009557089, 1e-9)
}

// How few requests can certify anything, per version at a rate of 0.1 %.
func TestFloors(t *testing.T) {
	t.Parallel()
	for margin, want := range map[float64]float64{.01: 406, .005: 1000, .002: 3961, .001: 13239} {
		h := eprocess.Hardest(eprocess.Arms{Nb: 1, Pb: .001, Nc: 1, Pc: .001}, margin)
		got := math.Log(20) / (kl(.001, h.Pc) + kl(.001, h.Pb))
		near(t, "floor", got, want, want*.002)
	}
}

func kl(p, q float64) float64 { return p*math.Log(p/q) + (1-p)*math.Log((1-p)/(1-q)) }

package threshold_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"gitlab.com/nines-sre/nines/internal/judge/threshold"
)

// How many requests without an error support a limit.
func TestFloor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limit, beta float64
		want        int64
	}{{.99, .05, 299}, {.999, .05, 2995}, {.95, .05, 59}, {.99, .01, 459}, {.9, .05, 29}, {.5, .05, 5}} {
		if got := threshold.Floor(c.limit, c.beta); got != c.want {
			t.Errorf("%v at %v: %d, not %d", c.limit, c.beta, got, c.want)
		}
		// It is the least n whose chance at the limit is at most beta.
		if n := float64(c.want); math.Pow(c.limit, n) > c.beta || math.Pow(c.limit, n-1) <= c.beta {
			t.Errorf("%v at %v: %d is not the least", c.limit, c.beta, c.want)
		}
	}
}

func TestMissing(t *testing.T) {
	t.Parallel()
	need := math.Log(20)
	for _, bad := range []int64{0, 1, 3} {
		s := threshold.NewShare(.99, .05)
		s.Add(100, bad)
		m := s.Missing()
		if m < 199 || bad == 0 && m != 199 {
			t.Errorf("with %d of 100 bad %d are missing", bad, m)
		}
		less := *s
		less.Add(m-1, 0)
		if less.Good() >= need {
			t.Errorf("with %d bad fewer than %d do", bad, m)
		}
		s.Add(m, 0)
		if s.Good() < need || s.Missing() != 0 {
			t.Errorf("with %d bad %d do not", bad, m)
		}
	}
}

// At the limit itself neither direction is found more often than it may be, looked
// at after every minute.
func TestLimitItself(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	good, bad := 0, 0
	const runs = 600
	for range runs {
		s := threshold.NewShare(.97, .05)
		for range 60 {
			var x int64
			for range 20 {
				if r.Float64() < .03 {
					x++
				}
			}
			s.Add(20, x)
		}
		if s.Good() >= math.Log(20) {
			good++
		}
		if s.Bad() >= math.Log(20) {
			bad++
		}
	}
	if good > 46 || bad > 46 { // 30 at most, and three deviations
		t.Errorf("of %d canaries at the limit %d passed and %d failed", runs, good, bad)
	}
}

func TestWorseIsNeverBetter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]float64{.5, .9, .99, .999}).Draw(t, "limit")
		a, b := threshold.NewShare(limit, .05), threshold.NewShare(limit, .05)
		more := rapid.IntRange(0, 9).Draw(t, "at")
		for i := range 10 {
			n := rapid.Int64Range(1, 500).Draw(t, "n")
			x := rapid.Int64Range(0, n-1).Draw(t, "x")
			a.Add(n, x)
			if i == more {
				x++
			}
			b.Add(n, x)
		}
		if b.Good() > a.Good()+1e-9 || b.Bad() < a.Bad()-1e-9 {
			t.Fatalf("good %v to %v, bad %v to %v", a.Good(), b.Good(), a.Bad(), b.Bad())
		}
	})
}

// The exact bound, against sums of the binomial distribution.
func TestBound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ k, n int64 }{{0, 299}, {1, 473}, {5, 50}, {49, 50}, {3, 1000}} {
		p := threshold.Bound(c.k, c.n, .05)
		sum := 0.0
		for i := range c.k + 1 {
			a, _ := math.Lgamma(float64(c.n + 1))
			b, _ := math.Lgamma(float64(i + 1))
			d, _ := math.Lgamma(float64(c.n - i + 1))
			sum += math.Exp(a - b - d + float64(i)*math.Log(p) + float64(c.n-i)*math.Log1p(-p))
		}
		if math.Abs(sum-.05) > 1e-9 {
			t.Errorf("%d of %d: %v has a chance of %v", c.k, c.n, p, sum)
		}
	}
	if p := threshold.Bound(0, 299, .05); math.Abs(p-.01) > 4e-5 {
		t.Errorf("299 without an error: %v", p)
	}
	if p := threshold.Bound(1, 473, .05); p > .01 || threshold.Bound(1, 472, .05) <= .01 {
		t.Errorf("one in 473: %v", p)
	}
}

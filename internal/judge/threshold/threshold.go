// Package threshold holds what can be said about one version alone: whether its
// share of good requests is above a limit, how sure that is, and how many
// requests are missing.
package threshold

import "math"

// Share tests whether the share of good requests is at least a limit. Both
// directions hold at every look: see [Share.Good] and [Share.Bad]. The zero value
// is not usable; see [NewShare].
type Share struct {
	limit float64 // of good ones, above 0 and below 1
	need  float64 // ln(1/beta)
	rest  float64 // what of the bet is not on no error at all
	n, x  float64
	good  float64 // the largest evidence of any look
	bad   float64
}

// NewShare returns the test of a limit (0.99) before any request, that supports it
// with a chance of error of at most beta.
func NewShare(limit, beta float64) *Share {
	need := math.Log(1 / beta)
	// Without an error the evidence after n requests is n times this. What it is
	// above the need at the floor can be bet on canaries that have errors, and the
	// floor stays what it is: 299 for 99 % at 95 %.
	each := -math.Log(limit)
	spare := math.Ceil(need/each)*each - need
	return &Share{limit: limit, need: need, rest: min(max(-math.Expm1(-spare), 1e-3), .05)}
}

// Add takes requests, bad of them bad. Requests that come together are one look.
func (s *Share) Add(n, bad int64) {
	s.n += float64(n)
	s.x += float64(bad)
	if n > 0 {
		s.good, s.bad = max(s.good, s.goodAt(s.n)), max(s.bad, s.badNow())
	}
}

// Good returns the evidence that the share is at least the limit; it is supported
// where that reaches ln(1/beta).
func (s *Share) Good() float64 { return s.good }

// Bad returns the evidence that the share is below the limit.
func (s *Share) Bad() float64 { return s.bad }

// goodAt is the evidence if there were n requests and no more bad ones: nearly
// all is bet on no error at all, what is left on rates below the limit's.
func (s *Share) goodAt(n float64) float64 {
	q := 1 - s.limit
	var logs []float64
	for _, part := range [...]float64{.01, .1, .25, .5, .75} {
		p := q * part
		logs = append(logs, math.Log(s.rest/5)+s.x*math.Log(part)+(n-s.x)*(math.Log1p(-p)-math.Log(s.limit)))
	}
	if s.x == 0 {
		logs = append(logs, math.Log1p(-s.rest)-n*math.Log(s.limit))
	}
	return logSum(logs)
}

// badNow is the evidence for rates above the limit's.
func (s *Share) badNow() float64 {
	q := 1 - s.limit
	var logs []float64
	for _, times := range [...]float64{1.25, 1.6, 2.2, 3.2, 5, 9, 20, 60} {
		p := min(q*times, (1+q)/2)
		logs = append(logs, s.x*math.Log(p/q)+(s.n-s.x)*(math.Log1p(-p)-math.Log(s.limit))-math.Log(8))
	}
	return logSum(logs)
}

func logSum(logs []float64) float64 {
	top := math.Inf(-1)
	for _, l := range logs {
		top = max(top, l)
	}
	sum := 0.0
	for _, l := range logs {
		sum += math.Exp(l - top)
	}
	return top + math.Log(sum)
}

// Missing returns how many more requests without an error it takes until the
// limit is supported. 0: it is.
func (s *Share) Missing() int64 {
	if s.good >= s.need {
		return 0
	}
	lo, hi := 0.0, 1.0
	for s.goodAt(s.n+hi) < s.need && hi < 1e15 {
		lo, hi = hi, 2*hi
	}
	for hi-lo > 1 {
		if m := math.Floor((lo + hi) / 2); s.goodAt(s.n+m) >= s.need {
			hi = m
		} else {
			lo = m
		}
	}
	return int64(hi)
}

// Floor returns how many requests without an error support a limit: the least
// with which anything can be said.
func Floor(limit, beta float64) int64 { return NewShare(limit, beta).Missing() }

// Bound returns the exact upper bound (Clopper and Pearson) for the rate of bad
// requests after n with bad ones, at one look: with a chance of at least 1-alpha
// the rate is not above it. 1 for no requests.
func Bound(bad, n int64, alpha float64) float64 {
	if bad >= n {
		return 1
	}
	lo, hi := float64(bad)/float64(n), 1.0
	for range 60 {
		if m := (lo + hi) / 2; atMost(bad, n, m) > alpha {
			lo = m
		} else {
			hi = m
		}
	}
	return hi
}

// atMost is the chance of at most k bad ones of n at rate p.
func atMost(k, n int64, p float64) float64 {
	log := float64(n) * math.Log1p(-p) // of no bad one
	odds := math.Log(p) - math.Log1p(-p)
	sum := 0.0
	for i := int64(0); ; i++ {
		sum += math.Exp(log)
		if i == k {
			return sum
		}
		log += math.Log(float64(n-i)) - math.Log(float64(i+1)) + odds
	}
}

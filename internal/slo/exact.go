package slo

import (
	"math"
	"math/big"
)

// Everything that is decided here is decided exactly. Floating point only
// answers where it cannot be wrong: integers below 2^53, and comparisons whose
// sides differ by far more than rounding could account for. The rest is left
// to math/big, which is slow and rare.

// exactFloat is the largest integer up to which float64 holds every one.
const exactFloat = 1 << 53

// tie is the relative distance below which a comparison of floats is not
// believed. The sums here lose a few parts in 1e16.
const tie = 1e-12

// pow10 is 10^n for n <= 18.
func pow10(n uint8) int64 {
	p := int64(1)
	for range n {
		p *= 10
	}
	return p
}

// mul multiplies; ok is false when the product is not exact in a float64.
func mul(a, b int64) (int64, bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	p := a * b
	if p/b != a || p > exactFloat || p < -exactFloat {
		return 0, false
	}
	return p, true
}

// quotient is n/d rounded once; d must not be 0.
func quotient(n, d int64) float64 {
	if within(n) && within(d) {
		return float64(n) / float64(d)
	}
	f, _ := new(big.Rat).SetFrac64(n, d).Float64()
	return f
}

func within(n int64) bool { return -exactFloat <= n && n <= exactFloat }

// base is what bad events are held against: total events, expected slices, or
// a projected total of total + rest x rate/per. A zero per means no projection.
type base struct {
	total, rate Amount
	rest, per   int64
}

func (b base) float() float64 {
	f := float64(b.total)
	if b.per > 0 {
		f += float64(b.rest) * float64(b.rate) / float64(b.per)
	}
	return f
}

func (b base) rat() *big.Rat {
	r := new(big.Rat).SetInt64(int64(b.total))
	if b.per > 0 {
		x := new(big.Rat).SetFrac64(int64(b.rate), b.per)
		r.Add(r, x.Mul(x, new(big.Rat).SetInt64(b.rest)))
	}
	return r
}

// positive says whether anything can be held against b.
func (b base) positive() bool {
	return b.total > 0 || (b.per > 0 && b.rest > 0 && b.rate > 0)
}

// term is one part of a burn rate or of a spent share of a budget:
// weight x bad / (budget x base). An objective has one, a composite one for
// each member.
type term struct {
	bad            Amount
	base           base
	budget, weight Decimal
}

func (t term) float() float64 {
	return t.weight.Float() * float64(t.bad) / (t.budget.Float() * t.base.float())
}

func (t term) rat() *big.Rat {
	n := new(big.Rat).SetInt64(int64(t.bad))
	n.Mul(n, t.weight.Rat())
	d := t.base.rat()
	return n.Quo(n, d.Mul(d, t.budget.Rat()))
}

// fraction is the term as two integers that float64 holds exactly; ok is false
// where there are none.
func (t term) fraction() (n, d int64, ok bool) {
	if t.weight != one() {
		return 0, 0, false
	}
	bad, total, rate := int64(t.bad), int64(t.base.total), int64(t.base.rate)
	// Whole events, the usual case, leave room for the scales.
	if u := int64(Unit); bad%u == 0 && total%u == 0 && rate%u == 0 {
		bad, total, rate = bad/u, total/u, rate/u
	}
	n, ok = mul(bad, pow10(t.budget.scale))
	d = total
	if t.base.per > 0 && ok {
		var extra int64
		if n, ok = mul(n, t.base.per); !ok {
			return 0, 0, false
		}
		if extra, ok = mul(t.base.rest, rate); !ok {
			return 0, 0, false
		}
		if d, ok = mul(d, t.base.per); !ok {
			return 0, 0, false
		}
		d += extra
	}
	if !ok {
		return 0, 0, false
	}
	d, ok = mul(d, t.budget.unscaled)
	return n, d, ok && within(n) && within(d)
}

// sum adds up terms. A single one is rounded once; of several each is.
func sum(ts []term) float64 {
	if len(ts) == 1 {
		if n, d, ok := ts[0].fraction(); ok {
			return float64(n) / float64(d)
		}
		f, _ := ts[0].rat().Float64()
		return f
	}
	var s float64
	for _, t := range ts {
		s += t.float()
	}
	return s
}

// rest is 1 - sum(ts): a remaining budget.
func rest(ts []term) float64 {
	if len(ts) == 1 {
		if n, d, ok := ts[0].fraction(); ok && within(d-n) {
			return float64(d-n) / float64(d)
		}
		f, _ := new(big.Rat).Sub(new(big.Rat).SetInt64(1), ts[0].rat()).Float64()
		return f
	}
	return 1 - sum(ts)
}

// compare is -1, 0 or 1 as sum(ts) is less than, equal to or greater than
// limit x num/den, exactly. den must be positive.
func compare(ts []term, limit Decimal, num, den int64) int {
	var left float64
	for _, t := range ts {
		left += t.float()
	}
	right := limit.Float() * float64(num) / float64(den)
	if c := compareFar(left, right); c != 0 {
		return c
	}
	exact := new(big.Rat)
	for _, t := range ts {
		exact.Add(exact, t.rat())
	}
	r := limit.Rat()
	return exact.Cmp(r.Mul(r, new(big.Rat).SetFrac64(num, den)))
}

// compareFar compares floats that are far apart and is 0 where they are not.
func compareFar(a, b float64) int {
	switch far := tie * (math.Abs(a) + math.Abs(b)); {
	case a-b > far:
		return 1
	case b-a > far:
		return -1
	}
	return 0
}

// allowance is budget x base in units, rounded once: what may be spent.
func allowance(t term, unit Amount) float64 {
	if t.base.per == 0 {
		if f, ok := smallAllowance(t, int64(unit)); ok {
			return f
		}
	}
	r := t.base.rat()
	r.Mul(r, t.budget.Rat())
	f, _ := r.Quo(r, new(big.Rat).SetInt64(int64(unit))).Float64()
	return f
}

// smallAllowance is allowance where its numbers fit a float64.
func smallAllowance(t term, unit int64) (float64, bool) {
	total := int64(t.base.total)
	n, fits := mul(total, t.budget.unscaled)
	d, also := mul(pow10(t.budget.scale), unit)
	if fits && also {
		return float64(n) / float64(d), true
	}
	whole := total / unit
	if whole*unit != total {
		return 0, false
	}
	n, fits = mul(whole, t.budget.unscaled)
	if !fits {
		return 0, false
	}
	return quotient(n, pow10(t.budget.scale)), true
}

// below says whether n/d < limit, exactly, for d > 0.
func below(n, d int64, limit Decimal) bool {
	if l, ok := mul(n, pow10(limit.scale)); ok {
		if r, ok := mul(d, limit.unscaled); ok {
			return l < r
		}
	}
	return new(big.Rat).SetFrac64(n, d).Cmp(limit.Rat()) < 0
}

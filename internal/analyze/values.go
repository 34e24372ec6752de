package analyze

import (
	"slices"

	"gitlab.com/nines-sre/nines/internal/metric"
	"gitlab.com/nines-sre/nines/internal/slo"
)

// Quantile is a value that a share of the steps does not exceed (nearest
// rank). Quantiles of steps describe steps: a step that was averaged hides its
// slow requests.
type Quantile struct {
	Share Target
	Value slo.Amount
}

// Bound is a round value and how the steps fare against it.
type Bound struct {
	Value  slo.Amount
	Report Report // of the steps, each one event: good when within the bound
}

// ValueReport is what values say.
type ValueReport struct {
	Op        slo.Op
	Quantiles []Quantile
	// Bounds holds, for each target tried, the tightest round bound that the
	// steps kept as a whole and in every week; targets without one are missing.
	Bounds   map[Target]Bound
	Warnings []string
}

// ValueTargets are the shares of steps that Values seeks bounds for.
func ValueTargets() []Target { return []Target{950_000, 990_000, 999_000} }

// Values analyses points: the quantiles, and for each target the tightest round
// bound that could have been kept. Op says which side of a bound is good.
func Values(points []metric.Point, op slo.Op, opt Options) ValueReport {
	opt.Targets = opt.filled().Targets
	r := ValueReport{Op: op, Bounds: map[Target]Bound{}}
	if len(points) == 0 {
		r.Warnings = []string{"there is nothing to analyse: no step has a value"}
		return r
	}
	values := make([]slo.Amount, len(points))
	for i, p := range points {
		values[i] = p.Value
	}
	slices.Sort(values)
	r.Quantiles = quantiles(values)
	bounds := roundBounds(values, op)
	for _, t := range ValueTargets() {
		if b, ok := tightest(points, bounds, t, op, opt); ok {
			r.Bounds[t] = b
		}
	}
	if values[0] == values[len(values)-1] {
		r.Warnings = append(r.Warnings, "every step has the same value; a bound on it says nothing")
	}
	return r
}

// Judge turns points into steps of one event each, good within the bound.
func Judge(points []metric.Point, op slo.Op, bound slo.Amount) []Step {
	steps := make([]Step, len(points))
	for i, p := range points {
		steps[i] = Step{At: p.At, Width: max(1, p.Width), Count: slo.Count{Total: slo.Unit}}
		if within(p.Value, op, bound) {
			steps[i].Count.Good = slo.Unit
		}
	}
	return steps
}

func within(v slo.Amount, op slo.Op, bound slo.Amount) bool {
	switch op {
	case slo.LessThan:
		return v < bound
	case slo.LessOrEqual:
		return v <= bound
	case slo.GreaterThan:
		return v > bound
	case slo.GreaterOrEqual:
		return v >= bound
	default:
		return false
	}
}

// tightest tries bounds from the tightest on and returns the first that the
// steps kept. Looser bounds keep more, so the search halves.
func tightest(points []metric.Point, bounds []slo.Amount, t Target, op slo.Op, opt Options) (Bound, bool) {
	kept := func(b slo.Amount) (Report, bool) {
		o := opt
		o.Targets = []Target{t}
		r := Counts(Judge(points, op, b), o)
		return r, r.Suggested == t
	}
	i, _ := slices.BinarySearchFunc(bounds, true, func(b slo.Amount, _ bool) int {
		if _, ok := kept(b); ok {
			return 0
		}
		return -1
	})
	if i == len(bounds) {
		return Bound{}, false
	}
	return Bound{Value: bounds[i], Report: Counts(Judge(points, op, bounds[i]), opt)}, true
}

// quantiles reads the usual ranks from sorted values.
func quantiles(sorted []slo.Amount) []Quantile {
	shares := []Target{500_000, 900_000, 950_000, 990_000, 999_000, whole}
	out := make([]Quantile, len(shares))
	for i, share := range shares {
		out[i] = Quantile{Share: share, Value: sorted[rank(len(sorted), share)]}
	}
	return out
}

// rank is the index of the nearest rank: the smallest with at least the share
// of the values at or below it.
func rank(n int, share Target) int {
	need := (int64(n)*int64(share) + int64(whole) - 1) / int64(whole)
	return int(max(need, 1)) - 1
}

// mantissas are the steps of round numbers inside a power of ten.
func mantissas() []int64 { return []int64{100, 120, 150, 200, 250, 300, 400, 500, 600, 800} }

// roundBounds lists round numbers across the range of sorted values, the
// tightest first: ascending where small is good, descending where large is.
func roundBounds(sorted []slo.Amount, op slo.Op) []slo.Amount {
	low, high := sorted[0], sorted[len(sorted)-1]
	var out []slo.Amount
	if low <= 0 && high >= 0 {
		out = append(out, 0)
	}
	for power := int64(1); power <= 1e15; power *= 10 {
		for _, m := range mantissas() {
			b := slo.Amount(m * power)
			out = append(out, b, -b)
		}
	}
	slices.Sort(out)
	// One round number beyond either end, so that a bound all steps keep exists.
	from, _ := slices.BinarySearch(out, low)
	to, found := slices.BinarySearch(out, high)
	if !found || op == slo.LessThan || op == slo.GreaterThan {
		to++
	}
	out = slices.Clone(out[max(0, from-1):min(len(out), to+1)])
	if op == slo.GreaterThan || op == slo.GreaterOrEqual {
		slices.Reverse(out)
	}
	return out
}

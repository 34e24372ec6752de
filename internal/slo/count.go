package slo

import "math"

// Amount is an exact number of events in millionths: 1_500_000 is one and a
// half. Sums of amounts do not depend on their order.
type Amount int64

// Unit is one event.
const Unit Amount = 1_000_000

// Events returns n whole events.
func Events(n int64) Amount { return Amount(n) * Unit }

// Float returns the amount in events, rounded to float64.
func (a Amount) Float() float64 { return float64(a) / float64(Unit) }

// Count is how many events there were and how many of them were good. It is a
// commutative monoid under Add with the zero Count, so windows merge and
// shards agree. Sums saturate at the largest amount (9.2e12 events); a
// saturated count makes a budget unknown, never wrong.
type Count struct {
	Good  Amount `json:"good"`
	Total Amount `json:"total"`
}

// Bad is Total - Good.
func (c Count) Bad() Amount { return c.Total - c.Good }

// Add returns the sum, saturating.
func (c Count) Add(o Count) Count { return Count{add(c.Good, o.Good), add(c.Total, o.Total)} }

// Sub returns the difference; o must be a part of c.
func (c Count) Sub(o Count) Count { return Count{c.Good - o.Good, c.Total - o.Total} }

// Saturated says whether the sum has outgrown what can be held.
func (c Count) Saturated() bool { return c.Good == math.MaxInt64 || c.Total == math.MaxInt64 }

func add(a, b Amount) Amount {
	if s := a + b; (s < a) == (b < 0) {
		return s
	}
	return math.MaxInt64
}

// Stretch is what is known about a span: its events, how many minutes (or
// slices) of it are measured and how many there should be. Minutes before the
// indicator's birth and excluded minutes are not expected.
type Stretch struct {
	Count
	Measured int64 `json:"measured"`
	Expected int64 `json:"expected"`
}

// Add returns the union of two disjoint stretches.
func (s Stretch) Add(o Stretch) Stretch {
	return Stretch{s.Count.Add(o.Count), s.Measured + o.Measured, s.Expected + o.Expected}
}

// Sub removes a part.
func (s Stretch) Sub(o Stretch) Stretch {
	return Stretch{s.Count.Sub(o.Count), s.Measured - o.Measured, s.Expected - o.Expected}
}

// Coverage is Measured / Expected, 1 where nothing is expected yet.
func (s Stretch) Coverage() float64 {
	if s.Expected <= 0 {
		return 1
	}
	return float64(s.Measured) / float64(s.Expected)
}

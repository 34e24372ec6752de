// Package load sends payments at a stated rate, whether or not the service keeps
// up (an open loop), and says exactly what came back and how long it took.
//
// Latency counts from the instant at which a request was due. A generator that
// waits for a slow answer before it sends the next one would leave out the
// requests that would have suffered (coordinated omission); this one does not
// wait, and what it sends late it counts as late.
package load

import (
	"fmt"
	"math"
	"time"
)

// Shape is how the rate changes over time: a share of the highest, 0 to 1, at a
// time of day.
type Shape func(at time.Time) float64

// ParseShape reads "constant" or "day". A day has its least traffic, a twentieth,
// at three at night (UTC) and its most at three in the afternoon; length is how
// long a day takes.
func ParseShape(name string, length time.Duration) (Shape, error) {
	switch name {
	case "constant":
		return func(time.Time) float64 { return 1 }, nil
	case "day":
		if length <= 0 {
			return nil, fmt.Errorf("a day of %v has no hours", length)
		}
		return func(at time.Time) float64 {
			const night = 3.0 / 24
			day := float64(at.UnixNano()%length.Nanoseconds()) / float64(length.Nanoseconds())
			wave := (1 - math.Cos(2*math.Pi*(day-night))) / 2
			return 0.05 + 0.95*wave*wave
		}, nil
	default:
		return nil, fmt.Errorf("%q is no shape: want constant or day", name)
	}
}

// Arrivals are the instants at which requests are due: a Poisson process whose
// rate follows a shape.
type Arrivals struct {
	rate  float64 // a second, at the peak
	shape Shape
	draw  func() float64
	at    time.Time
}

// NewArrivals begins at an instant. draw returns numbers in [0, 1).
func NewArrivals(from time.Time, rate float64, shape Shape, draw func() float64) *Arrivals {
	return &Arrivals{rate, shape, draw, from}
}

// Next is the next instant. Candidates come at the highest rate, and each is kept
// with the probability that the shape says (thinning, which is exact).
func (a *Arrivals) Next() time.Time {
	for {
		gap := -math.Log(1-a.draw()) / a.rate
		a.at = a.at.Add(time.Duration(gap * float64(time.Second)))
		if a.draw() < a.shape(a.at) {
			return a.at
		}
	}
}
